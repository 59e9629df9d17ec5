// A job's life, by hand: from a file to its first line of log, and all that comes after.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { assertClean, launch, signIn, visit } from "./support/browser.mjs";
import { Host, guest } from "./support/host.mjs";
import { program } from "./support/module.mjs";

let host, browser, page, faults;

before(async () => {
  [host, browser] = await Promise.all([Host.start(), launch()]);
  ({ page, faults } = await visit(browser));
  await signIn(page, host);
});

after(async () => {
  await browser?.close();
  await host?.end();
});

const card = (title) =>
  page.locator("section.card", { has: page.getByRole("heading", { name: title, exact: true }) });

test("a file becomes a job and a line of log in six clicks at most", async () => {
  let clicks = 0;
  const click = (locator) => {
    clicks += 1;
    return locator.click();
  };
  const begun = Date.now();
  await click(page.getByRole("link", { name: "Create the first job" }));
  // The button, and the file in the system's own dialog.
  clicks += 2;
  await page.locator("#component-file").setInputFiles(guest("probe"));
  await page.getByText("A valid component").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "probe");
  await page.getByText("every hour").waitFor();
  assert.equal(await page.locator(".preview time[title*=UTC]").count(), 10);
  await click(page.getByRole("button", { name: "Create and run once" }));
  await page.getByRole("heading", { name: "Attempts" }).waitFor();
  await page.getByText("This run has logged nothing.").waitFor();
  assert.ok(clicks <= 6, `${clicks} clicks`);
  console.log(`from the list to the run in ${clicks} clicks and ${Date.now() - begun} ms`);
});

test("what is wrong with a file is said, and the form keeps what was typed", async () => {
  await page.goto(`${host.url}/create`);
  await page.getByLabel("Name", { exact: true }).fill("writer");
  await page
    .locator("#component-file")
    .setInputFiles({ name: "notes.wasm", mimeType: "application/wasm", buffer: Buffer.from("no component") });
  await page.getByText("not WebAssembly").waitFor();
  assert.ok(await page.getByRole("button", { name: "Create", exact: true }).isDisabled());
  await page.getByText("Cron", { exact: true }).click();
  await page.getByLabel("Cron expression").fill("61 * * * *");
  await page.locator(".schedule-fields .error").waitFor();
  await page.getByText("What is written is no schedule yet.").waitFor();
  await page.getByText("Once", { exact: true }).click();
  await page.locator(".preview time").first().waitFor();
  await page.getByLabel("Date and time").fill("2020-01-01T10:00");
  await page.getByText("This is over: nothing would run.").waitFor();
  await page.getByText("Cron", { exact: true }).click();
  await page.getByLabel("Cron expression").fill("0 3 * * mon-fri");
  await page.getByLabel("Time zone").fill("America/New_York");
  await page.getByText("at 03:00 on Monday to Friday, America/New_York").waitFor();
  await page.getByText("In America/New_York clocks go").waitFor();

  await page.locator("#component-file").setInputFiles(guest("probe"));
  await page.getByText("A valid component").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "writer");
  // The component imports tables and mail: both are asked for.
  await page.getByLabel("Table 1", { exact: true }).fill("notes");
  await page.getByLabel("May mail to").fill("ops@example.com");
  await page.getByText("Settings that it reads").click();
  await page.getByRole("button", { name: "Add a setting" }).click();
  await page.getByLabel("Name of setting 1").fill("SCRIPT");
  await page
    .getByLabel("Value of setting 1")
    .fill(
      JSON.stringify([
        { insert: { table: "notes", id: "n-1", fields: { text: "first" } } },
        { log: { level: "info", message: "wrote a note" } },
      ]),
    );
  await page.getByText("Create it paused").click();
  await page.getByRole("button", { name: "Create and run once" }).click();
  await page.getByText("wrote a note").waitFor();
  await page.getByText("1 row written").waitFor();
  await page.locator(".effects").getByRole("link", { name: "notes" }).waitFor();
});

test("what another language has made is told: its kind, its makers, and what the host did to it", async () => {
  await page.goto(`${host.url}/create`);
  const made = program({ line: "71 % are used", language: "Go", tools: [["go", "1.24.4"]] });
  await page
    .locator("#component-file")
    .setInputFiles({ name: "Disk Report.wasm", mimeType: "application/wasm", buffer: made });
  const told = async () => {
    await page.getByText("A valid command").waitFor();
    await page.getByText("Go", { exact: true }).waitFor();
    await page.getByText("go 1.24.4").waitFor();
    await page.getByText("wasi_snapshot_preview1 is the host's adapter").waitFor();
  };
  await told();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "disk-report");
  await page.getByText("On demand", { exact: true }).click();
  await page.getByRole("button", { name: "Create and run once" }).click();
  await page.locator(".log-row", { hasText: "71 % are used" }).waitFor();

  await page.getByRole("link", { name: "disk-report" }).click();
  await told();
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByText("command in Go").waitFor();
  await page.locator("#component-file").setInputFiles(guest("probe"));
  await page.getByText("A valid component").waitFor();
  await page.getByText("Rust", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Review the changes" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByText("Revision 2 of disk-report is in force.").waitFor();
  await page.getByRole("link", { name: "Revisions" }).click();
  const revision = (number) =>
    page.locator("li.card", { has: page.getByRole("heading", { name: `Revision ${number}` }) });
  await revision(2)
    .getByText(/component in Rust, \d+ KiB/)
    .waitFor();
  await revision(1)
    .getByText(/command in Go, \d+ B, adapted/)
    .waitFor();
});

test("the row that the run wrote is in the table, and can be changed", async () => {
  await page.getByRole("navigation", { name: "Areas" }).getByRole("link", { name: "Tables" }).click();
  await page.getByRole("link", { name: "notes" }).click();
  await page.getByRole("button", { name: "n-1" }).click();
  const text = page.getByLabel("Members");
  await text.fill('{"text": "second", "done": true}');
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: "second" }).waitFor();
  await page.getByLabel("Member", { exact: true }).fill("done");
  await page.getByLabel("Value", { exact: true }).fill("false");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("No row matches").waitFor();
});

test("rows go out as CSV and come in again", async () => {
  await page.goto(`${host.url}/tables/notes`);
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export CSV" }).click();
  const file = await (await coming).path();
  const [head, row] = (await readFile(file, "utf8")).trim().split("\n");
  await page.getByRole("button", { name: "Import", exact: true }).click();
  const copy = `${head}\n${row}\n${row.replace("n-1", "n-2").replace("second", "third")}\n`;
  await page
    .getByLabel("File")
    .setInputFiles({ name: "notes.csv", mimeType: "text/csv", buffer: Buffer.from(copy) });
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
  await page.getByRole("cell", { name: "third" }).waitFor();
});

test("a job is resumed and paused in the list", async () => {
  await page.goto(host.url);
  await page.getByRole("button", { name: "Resume writer" }).click();
  await page.getByRole("button", { name: "Pause writer" }).click();
  await page.getByRole("button", { name: "Resume writer" }).waitFor();
  assert.equal((await host.api("GET", "/jobs/writer")).state, "paused");
});

test("the schedule is changed after a look at the difference, and rolled back", async () => {
  await page.goto(`${host.url}/jobs/writer/settings`);
  await card("Schedule").getByText("Every", { exact: true }).click();
  await page.getByLabel("Number").fill("6");
  await page.getByRole("button", { name: "Review the changes" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("schedule.every").waitFor();
  await dialog.getByText("6h").waitFor();
  await dialog.getByText("0 3 * * mon-fri").waitFor();
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("Revision 2 of writer is in force.").waitFor();
  assert.deepEqual((await host.api("GET", "/jobs/writer")).schedule_words, "every 6 hours");

  await page
    .getByRole("navigation", { name: "About this job" })
    .getByRole("link", { name: "Revisions" })
    .click();
  await page.getByRole("button", { name: "Roll back to 1" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
  await page.getByRole("heading", { name: "Revision 3" }).waitFor();
  assert.match((await host.api("GET", "/jobs/writer")).schedule_words, /^at 03:00 on Monday to Friday/);
});

test("what was typed survives a refusal and somebody else's change", async () => {
  await page.goto(`${host.url}/jobs/writer/settings`);
  await page.getByLabel("Timeout of an attempt").fill("100000h");
  await page.getByRole("button", { name: "Review the changes" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.locator(".field .error").first().waitFor();
  assert.equal(await page.getByLabel("Timeout of an attempt").inputValue(), "100000h");
  await page.getByLabel("Timeout of an attempt").fill("2m");
  await host.api("PATCH", "/jobs/writer", { policy: { pause_after: 7 } });
  await page.getByText("This job has become revision 4 meanwhile").waitFor();
  assert.equal(await page.getByLabel("Timeout of an attempt").inputValue(), "2m");
  await page.getByRole("button", { name: "Begin anew on 4" }).click();
  assert.equal(await page.getByLabel("Pause after failures in a row").inputValue(), "7");
});

test("a session that ends while somebody types takes nothing with it", async () => {
  await page.goto(`${host.url}/create`);
  await page.locator("#component-file").setInputFiles(guest("probe"));
  await page.getByText("A valid component").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("kept");
  await page.getByLabel("Number").fill("7");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByLabel("Token").fill(host.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("A valid component").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "kept");
  assert.equal(await page.getByLabel("Number").inputValue(), "7");
  // A look at another page does not, either.
  await page.keyboard.press("Escape");
  await page.getByRole("navigation", { name: "Areas" }).getByRole("link", { name: "Tables" }).click();
  await page.getByRole("heading", { name: "Tables" }).waitFor();
  await page.goBack();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "kept");
  await page.getByRole("button", { name: "Begin anew" }).click();
  await page.getByText("Drop a .wasm file here").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "");
});

test("a pause in between does not keep settings from being saved", async () => {
  await page.goto(`${host.url}/jobs/probe/settings`);
  await page.getByLabel("Timeout of an attempt").fill("2m");
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("button", { name: "Resume", exact: true }).click();
  await page.getByRole("button", { name: "Pause", exact: true }).waitFor();
  await page.getByRole("button", { name: "Review the changes" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByText("Revision 2 of probe is in force.").waitFor();
});

test("a failing run tells its cause and where it happened", async () => {
  await page.goto(`${host.url}/jobs/probe`);
  await page.getByRole("button", { name: "Run with input" }).click();
  await page.getByLabel("Input", { exact: true }).fill('[{"trap": null}]');
  await page.getByRole("dialog").getByRole("button", { name: "Run now" }).click();
  await page.getByRole("heading", { name: "Backtrace" }).waitFor();
  assert.match(await page.locator(".backtrace").textContent(), /probe::step::perform/);
  await page.getByText("failed: trap").first().waitFor();
  await page.getByRole("navigation", { name: "Areas" }).getByRole("link", { name: "Jobs" }).click();
  await page.getByText("Late or failing 1").waitFor();
});

test("an ended run is run again, with the same input", async () => {
  await page.goto(host.url);
  const [failed] = (await host.api("GET", "/jobs/probe/runs?outcome=trap")).items;
  await page.goto(`${host.url}/runs/${failed.id}`);
  await page.getByRole("button", { name: "Run again" }).click();
  await page.getByText("an earlier run again").waitFor();
  await page.getByRole("heading", { name: "Backtrace" }).waitFor();
  assert.notEqual(new URL(page.url()).pathname, `/runs/${failed.id}`);
});

test("runs for a time that is over are asked for, once that time is one", async () => {
  await host.api("PATCH", "/jobs/probe", { schedule: { every: null, cron: "0 * * * *", time_zone: "UTC" } });
  await page.goto(`${host.url}/jobs/probe/runs`);
  await page.getByRole("button", { name: "Backfill" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/^2[45] occurrences then/).waitFor();
  await dialog.getByLabel("From").fill("2026-01-01T02:00");
  await dialog.getByLabel("To, included").fill("2026-01-01T01:00");
  await dialog.getByText("No occurrence then").waitFor();
  await dialog.getByLabel("To, included").fill("2026-01-01T04:59");
  await dialog.getByText("3 occurrences then").waitFor();
  await dialog.getByRole("button", { name: "Ask for the runs" }).click();
  await page.getByText("3 runs of probe asked for.").waitFor();
  await page.getByLabel("Trigger").selectOption("backfill");
  const runs = page.getByRole("row", { name: /succeeded/ });
  await runs.nth(2).waitFor();
  // The way back from a run leads to what was filtered.
  await runs.first().getByRole("link").click();
  await page.getByRole("heading", { name: "Attempts" }).waitFor();
  await page.goBack();
  await runs.nth(2).waitFor();
  assert.equal(await page.getByLabel("Trigger").inputValue(), "backfill");
  await page.getByRole("navigation", { name: "About this job" }).getByRole("link", { name: "Runs" }).click();
  await page
    .getByRole("row", { name: /manual/ })
    .first()
    .waitFor();
  assert.equal(await page.getByLabel("Trigger").inputValue(), "");
});

test("policies, notifications and a webhook are set, and are there again", async () => {
  await host.api("PUT", "/secrets/HOOK", { value: `whsec_${Buffer.alloc(32, 7).toString("base64")}` });
  await page.goto(`${host.url}/jobs/probe/settings`);
  await page.getByLabel("While a run is going on, another is").selectOption("replace");
  await page.getByLabel("Missed occurrences").selectOption("all");
  await page.getByLabel("Caught up at most").fill("7");
  await page.getByLabel("Caught up if due within").fill("12h");
  await page.getByLabel("Given up if not begun within").fill("10m");
  const told = card("Notifications");
  await told.getByLabel("Mail to").fill("ops@example.com");
  await told.getByLabel("Webhook", { exact: true }).fill("https://nas.lan/hook");
  await told.getByLabel("Signed with the secret").fill("HOOK");
  await told.getByText("may lead to a private address").click();
  await told.getByText("it works again").click();
  await page.getByLabel("Runs are started by requests that are signed with the secret").fill("HOOK");
  await page.getByRole("button", { name: "Review the changes" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByText("of probe is in force").waitFor();
  const { policy, notify, hook } = (await host.api("GET", "/jobs/probe")).specification;
  assert.equal(policy.overlap, "replace");
  assert.deepEqual(policy.catch_up, { all: { max: 7, window: "12h" } });
  assert.equal(policy.start_within, "10m");
  assert.deepEqual(notify, {
    on: ["failure", "late"],
    email: ["ops@example.com"],
    webhook: "https://nas.lan/hook",
    secret: "HOOK",
    private: true,
  });
  assert.deepEqual(hook, { secret: "HOOK" });
  await page.reload();
  assert.equal(await page.getByLabel("Caught up at most").inputValue(), "7");
  assert.equal(await page.getByLabel("Given up if not begun within").inputValue(), "10m");
  await page.getByText("Nothing is changed.").waitFor();
});

test("a run that goes on is followed, and cancelled", async () => {
  await page.goto(`${host.url}/jobs/probe`);
  await page.getByRole("button", { name: "Run with input" }).click();
  await page
    .getByLabel("Input", { exact: true })
    .fill('[{"log": {"level": "info", "message": "before the sleep"}}, {"sleep_ms": 50000}]');
  await page.getByRole("dialog").getByRole("button", { name: "Run now" }).click();
  await page.locator(".log-row", { hasText: "before the sleep" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Run again" }).waitFor();
});

test("nothing was refused by the page's policy, and nothing failed", async () => {
  await assertClean(page, faults);
});
