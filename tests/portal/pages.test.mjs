// Every page: reachable, readable, and within its window, in light, dark and narrow.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { assertAccessible, assertClean, assertSteady, launch, signIn, visit } from "./support/browser.mjs";
import { Host } from "./support/host.mjs";
import { mailServer, pages, seed, settled } from "./support/seed.mjs";

let host, browser, server, seeded;

before(async () => {
  server = await mailServer();
  [host, browser] = await Promise.all([Host.start(server.environment), launch()]);
  seeded = await seed(host, { runs: 4 });
});

after(async () => {
  await browser?.close();
  await host?.end();
  server?.end();
});

/** By axe in light and dark; and nothing is wider than its window. */
async function examine(page, name) {
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.emulateMedia({ colorScheme: "light" });
  await assertAccessible(page, `${name}, light`);
  await page.emulateMedia({ colorScheme: "dark" });
  await assertAccessible(page, `${name}, dark`, ["color-contrast"]);
  for (const width of [2000, 400]) {
    await page.setViewportSize({ width, height: 860 });
    const over = await page.evaluate(() =>
      Math.max(
        ...[...document.querySelectorAll("html, .sidebar, dialog")].map(
          (element) => element.scrollWidth - element.clientWidth,
        ),
      ),
    );
    assert.ok(over <= 0, `${name}, at ${width} pixels, is ${over} too wide`);
  }
}

test("the page to sign in is accessible and fits, with a refusal on it too", async () => {
  const { context, page, faults } = await visit(browser);
  await page.goto(host.url);
  await page.getByRole("heading", { name: "Sign in to Sandglass" }).waitFor();
  await examine(page, "sign-in");
  await assertAccessible(page, "sign-in, narrow");
  await page.getByLabel("Token").fill("sgl_wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("not one of this host's tokens").waitFor();
  await examine(page, "sign-in, refused");
  await assertClean(page, faults);
  await context.close();
});

test("every page is accessible and fits: light, dark and narrow", async () => {
  const { context, page, faults } = await visit(browser, { colorScheme: "light" });
  await signIn(page, host);
  for (const [name, path] of Object.entries(pages(seeded))) {
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.goto(host.url + path);
    await settled(page);
    const isFound = (await page.getByRole("heading", { name: "There is nothing here" }).count()) === 0;
    assert.equal(isFound, name !== "nothing", `${name} is at ${path}`);
    await assertSteady(page, name);
    await examine(page, name);
    await assertAccessible(page, `${name}, narrow`);
    await assertClean(page, faults);
  }
  await context.close();
});

/** The paths that the portal's own source tells of: its routes, with each of a job's tabs. */
async function routes() {
  const source = (name) => readFile(new URL(`../../host/portal/ui/src/${name}`, import.meta.url), "utf8");
  const [app, job] = await Promise.all([source("app.tsx"), source("page/job.tsx")]);
  const paths = [...app.matchAll(/<Route\s+path="([^"]+)"/g)].map(([, path]) => path);
  const [, list] = /const TABS = \[(.*?)\] as const/s.exec(job);
  const tabs = [...list.matchAll(/\["(\w*)",/g)].map(([, tab]) => tab);
  return paths.flatMap((path) =>
    path.endsWith("/:tab?") ? tabs.map((tab) => path.replace("/:tab?", tab && `/${tab}`)) : [path],
  );
}

test("no page of the portal is left out of these tests", async () => {
  const declared = await routes();
  assert.ok(declared.includes("/") && declared.includes("/jobs/:name/settings"), declared.join(" "));
  const visited = Object.values(pages(seeded));
  const isVisited = (route) => {
    const pattern = new RegExp(`^${route.replace(/:\w+/g, "[^/]+")}$`);
    return visited.some((path) => pattern.test(path));
  };
  assert.deepEqual(
    declared.filter((route) => !isVisited(route)),
    [],
    "routes that no test visits",
  );
});

/** What opens above a page: where, the button that opens it, and what it is called. */
const DIALOGS = [
  ["/", "Go to …", "Go to …"],
  ["/jobs/heartbeat", "Run with input", "Run heartbeat with input"],
  ["/jobs/heartbeat", "Backfill", /Backfill/],
  ["/jobs/heartbeat", "Delete heartbeat", "Delete heartbeat?"],
  ["/jobs/cleanup_tables/revisions", "Roll back to 1", "Roll back to revision 1"],
  ["/tables", "New table", "New table"],
  ["/tables", "Import", "Import rows"],
  ["/tables/sessions", "Add a row", /row/],
  ["/tables/sessions", "s-0001", "s-0001"],
  ["/secrets", "New secret", "New secret"],
  ["/access", "New token", "New token"],
];

test("what opens above a page is accessible and fits, too", async () => {
  const { context, page, faults } = await visit(browser, { colorScheme: "light" });
  await signIn(page, host);
  for (const [path, button, title] of DIALOGS) {
    await page.setViewportSize({ width: 1280, height: 860 });
    await page.goto(host.url + path);
    await settled(page);
    await page.getByRole("button", { name: button }).first().click();
    await page.getByRole("dialog", { name: title }).waitFor();
    await examine(page, `${path}, ${button}`);
    await assertClean(page, faults);
  }
  await context.close();
});

test("each attempt of a run keeps where it failed", async () => {
  const { context, page, faults } = await visit(browser);
  await signIn(page, host);
  await page.goto(`${host.url}/runs/${seeded.failed}`);
  const first = page.locator(".attempts li").first();
  await first.getByText("What it did").click();
  assert.match(await first.locator(".backtrace").textContent(), /probe::step::perform/);
  await assertAccessible(page, "an attempt that another has followed");
  await assertClean(page, faults);
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
