// Mail that a server does not take at first: what it said is shown, and it is sent again by hand.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, assertClean, launch, signIn, visit } from "./support/browser.mjs";
import { Host } from "./support/host.mjs";
import { MailServer } from "./support/mail-server.mjs";

let host, browser, server, run;

before(async () => {
  // The first time that somebody is asked about, there is nobody of that name.
  const asked = new Set();
  server = await MailServer.start((address) => {
    if (asked.has(address)) return undefined;
    asked.add(address);
    return "550 5.1.1 there is nobody of this name";
  });
  [host, browser] = await Promise.all([Host.start(server.environment), launch()]);
  const email = { to: ["ops@example.com"], subject: "Figures", text: "31 and 11" };
  await host.api("PUT", "/jobs/report", {
    component: await host.upload("probe"),
    grants: { email: { to: ["ops@example.com"] } },
    env: { SCRIPT: JSON.stringify([{ email, must: true }]) },
  });
  run = await host.run("report");
});

after(async () => {
  await browser?.close();
  await host?.end();
  server?.end();
});

test("a dead letter says why, and is sent again", async () => {
  const { context, page, faults } = await visit(browser);
  await signIn(page, host);
  await page.goto(`${host.url}/outbox`);
  await page.getByLabel("State").selectOption("failed");
  await page.getByRole("link", { name: "Figures" }).click();
  const recipients = page.getByRole("region", { name: "Recipients" });
  await recipients.getByText("550 5.1.1 there is nobody of this name").waitFor();
  await recipients.getByText("refused").waitFor();
  await assertAccessible(page, "a dead letter");
  const dead = page.url();

  await page.getByRole("button", { name: "Resend" }).click();
  await page.waitForURL((url) => url.href !== dead);
  await recipients.getByText("250 2.0.0 taken").waitFor();
  await page.getByText("sent", { exact: true }).first().waitFor();

  await page.goto(dead);
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Remove it" }).click();
  await page.waitForURL(`${host.url}/outbox`);
  const { items } = await host.api("GET", "/emails?state=failed");
  assert.deepEqual(items, []);

  // The run tells where its mail is, and that it may be gone.
  const runPage = `${host.url}/runs/${run.id}`;
  await page.goto(runPage);
  await page.getByText("1 mail put in the outbox").getByRole("link", { name: "Figures" }).waitFor();
  for (const { id } of (await host.api("GET", "/emails")).items) await host.api("DELETE", `/emails/${id}`);
  await page.goto(runPage);
  await page.getByText("1 mail put in the outbox: 1 further down in the outbox, or removed").waitFor();
  await assertClean(page, faults);
  await context.close();
});
