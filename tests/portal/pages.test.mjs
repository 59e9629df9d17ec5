// Every page: reachable, readable, and within its window, in light, dark and narrow.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertClean, launch, signIn, visit } from "./support/browser.mjs";
import { Host } from "./support/host.mjs";
import { pages, seed, settled } from "./support/seed.mjs";

let host, browser, seeded;

before(async () => {
  [host, browser] = await Promise.all([Host.start(), launch()]);
  seeded = await seed(host, { runs: 4 });
});

after(async () => {
  await browser?.close();
  await host?.end();
});

test("every page is accessible and fits: light, dark and narrow", async () => {
  const { context, page, faults } = await visit(browser, { colorScheme: "light" });
  await signIn(page, host);
  for (const [name, path] of Object.entries(pages(seeded))) {
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(host.url + path);
    await settled(page);
    await assertAccessible(page, `${name}, light`);
    await page.emulateMedia({ colorScheme: "dark" });
    await assertAccessible(page, `${name}, dark`, ["color-contrast"]);
    for (const width of [2000, 400]) {
      await page.setViewportSize({ width, height: 860 });
      const over = await page.evaluate(() =>
        Math.max(
          ...[document.documentElement, document.querySelector(".sidebar")].map(
            (element) => element.scrollWidth - element.clientWidth,
          ),
        ),
      );
      assert.ok(over <= 0, `${name}, at ${width} pixels, is ${over} too wide`);
    }
    await assertAccessible(page, `${name}, narrow`);
    await assertClean(page, faults);
  }
  await context.close();
});

test("mail is shown as it looks, and can do nothing", async () => {
  const { context, page, faults } = await visit(browser);
  await signIn(page, host);
  await page.goto(`${host.url}/outbox/${seeded.email}`);
  const frame = page.frameLocator("iframe");
  await frame.getByRole("heading", { name: "Figures of the night" }).waitFor();
  assert.equal(await page.locator("iframe").getAttribute("sandbox"), "");
  await page.getByText("Text", { exact: true }).click();
  await page.getByText("31 and 11").waitFor();
  await assertClean(page, faults);
  await context.close();
});

test("everything is within reach of the keyboard", async () => {
  const { context, page, faults } = await visit(browser);
  await signIn(page, host);
  await page.locator(".job-row a").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("invoices");
  await page.getByText("1 job", { exact: true }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: /A page/ }).waitFor();
  await page.keyboard.type("run heartb");
  await page.getByRole("option", { name: /run heartbeat/ }).waitFor();
  await assertAccessible(page, "the palette");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Attempts" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("u");
  await page.getByRole("heading", { name: "Upcoming" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await assertClean(page, faults);
  await context.close();
});

test("times are the viewer's, with UTC at hand", async () => {
  const zones = { "Asia/Tokyo": 9, "America/Sao_Paulo": -3 };
  for (const [timezoneId, hours] of Object.entries(zones)) {
    const { context, page } = await visit(browser, { timezoneId });
    await signIn(page, host);
    await page.goto(`${host.url}/jobs/nightly-report`);
    const time = page.locator(".facts time").first();
    const at = new Date(await time.getAttribute("datetime"));
    const local = new Date(at.getTime() + hours * 3_600_000).toISOString();
    assert.match(await time.getAttribute("title"), new RegExp(`${at.toISOString().slice(11, 19)} UTC`));
    assert.match(await time.textContent(), new RegExp(local.slice(11, 16)));
    await context.close();
  }
});
