// Mail that a server does not take at first: what it said is shown, and it is sent again by hand.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { assertAccessible, assertClean, launch, signIn, visit } from "./support/browser.mjs";
import { Host } from "./support/host.mjs";

let host, browser, server;
/** The first time that somebody is asked about, there is nobody of that name. */
const asked = new Set();

function converse(socket) {
  const say = (line) => socket.write(`${line}\r\n`);
  let isData = false;
  createInterface({ input: socket }).on("line", (line) => {
    if (isData) {
      if (line !== ".") return;
      isData = false;
      say("250 2.0.0 taken");
    } else if (line.startsWith("RCPT") && !asked.has(line)) {
      asked.add(line);
      say("550 5.1.1 there is nobody of this name");
    } else if (line === "DATA") {
      isData = true;
      say("354 go on");
    } else say(line === "QUIT" ? "221 bye" : "250 ok");
  });
  socket.on("error", () => {});
  say("220 mail.test");
}

before(async () => {
  server = createServer(converse).listen(0, "127.0.0.1");
  await once(server, "listening");
  const mail = {
    SANDGLASS_SMTP_HOST: "127.0.0.1",
    SANDGLASS_SMTP_PORT: String(server.address().port),
    SANDGLASS_SMTP_TLS: "none",
    SANDGLASS_SMTP_FROM: "sandglass@example.com",
  };
  [host, browser] = await Promise.all([Host.start(mail), launch()]);
  const email = { to: ["ops@example.com"], subject: "Figures", text: "31 and 11" };
  await host.api("PUT", "/jobs/report", {
    component: await host.upload("probe"),
    grants: { email: { to: ["ops@example.com"] } },
    env: { SCRIPT: JSON.stringify([{ email, must: true }]) },
  });
  await host.run("report");
});

after(async () => {
  await browser?.close();
  await host?.end();
  server?.close();
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
  await assertClean(page, faults);
  await context.close();
});
