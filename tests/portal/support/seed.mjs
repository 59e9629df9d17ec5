// A host as it looks after a while: jobs that do well, one that fails, one that is paused; rows, mail, runs and tokens.

import { once } from "node:events";
import { createServer } from "node:http";
import { MailServer } from "./mail-server.mjs";
import { program } from "./module.mjs";

const DAY = 86_400_000;

const REPORT = `<body style="font-family: sans-serif; padding: 24px"><h1 style="color: #0f6d66">Figures of the night</h1>
<table border="1" cellpadding="8" style="border-collapse: collapse"><tr><th>Plan</th><th>New</th></tr>
<tr><td>team</td><td>31</td></tr><tr><td>business</td><td>11</td></tr></table></body>`;

/** What another language's compiler made. */
const REPORTER = { line: "71 % of /srv are used", language: "Go", tools: [["go", "1.24.4"]] };

const script = (...steps) => ({ SCRIPT: JSON.stringify(steps) });
const log = (level, message) => ({ log: { level, message } });

/** Takes mail for everybody but one. */
export const mailServer = () =>
  MailServer.start((address) =>
    address.startsWith("gone@") ? "550 5.1.1 there is nobody of this name" : undefined,
  );

/** Looks until something is so. */
async function until(look) {
  while (!(await look())) await new Promise((resolve) => setTimeout(resolve, 200));
}

/** A run that asks other hosts: one answers, one does not know the page, and one it may not ask. */
async function askOthers(host, put) {
  const web = createServer((request, response) => {
    response.statusCode = request.url === "/" ? 200 : 404;
    response.end("ok");
  }).listen(0, "127.0.0.1");
  await once(web, "listening");
  const authority = `127.0.0.1:${web.address().port}`;
  await put("check-links", {
    schedule: {},
    grants: { http: [{ host: authority, private: true }] },
    env: script(
      { http: { url: `http://${authority}/` } },
      { http: { method: "HEAD", url: `http://${authority}/gone` } },
      { http: { url: "https://example.org/" } },
      { return: "2 of 3 links answer" },
    ),
  });
  const run = await host.run("check-links");
  web.close();
  return run;
}

/** Jobs, rows and runs. Gives the ids of what pages are shown of. */
export async function seed(host, { runs = 12 } = {}) {
  const [probe, cleanup] = [await host.upload("probe"), await host.upload("cleanup_tables")];
  const put = (name, specification) =>
    host.api("PUT", `/jobs/${name}`, { component: probe, ...specification });
  const zone = "Europe/Zurich";
  const rows = Array.from({ length: 260 }, (_, n) => ({
    id: `s-${String(n).padStart(4, "0")}`,
    user: `u-${n % 17}`,
    last_seen: new Date(Date.now() - (n * DAY) / 4).toISOString(),
    visits: (n * 7) % 93,
    admin: n % 5 === 0,
    plan: ["free", "team", "business"][n % 3],
  }));
  await host.api("POST", "/tables/sessions/import", rows.map((row) => JSON.stringify(row)).join("\n"), {
    "Content-Type": "application/x-ndjson",
  });
  await host.api("PUT", "/tables/users", {});
  await host.api("PUT", "/tables/sessions", {
    indexes: [{ fields: ["last_seen"] }, { fields: ["plan", "visits"] }],
  });
  for (const [name, right, expires_in, grants] of [
    ["dashboard", "read", "365d"],
    ["ci", "deploy", "90d", { tables: { sessions: "read-write" }, email: { to: ["*@example.com"] } }],
    ["phone", "run"],
  ])
    await host.api("POST", "/tokens", { name, right, expires_in, grants });

  for (const name of ["HOOK", "WAREHOUSE_KEY"])
    await host.api("PUT", `/secrets/${name}`, { value: `whsec_${Buffer.alloc(32, 7).toString("base64")}` });

  await put("cleanup_tables", {
    component: cleanup,
    schedule: { every: "1h" },
    grants: { tables: { sessions: "read-write" }, email: { to: ["ops@example.com"] } },
    env: { KEEP_DAYS: "30" },
  });
  await put("nightly-report", {
    schedule: { cron: "0 3 * * mon-fri", time_zone: zone },
    grants: { email: { to: ["*@example.com"] } },
    env: script(
      log("info", "collecting figures"),
      {
        email: { to: ["team@example.com"], subject: "Figures of the night", text: "31 and 11", html: REPORT },
      },
      { return: "42 new customers" },
    ),
  });
  await put("sync-inventory", {
    schedule: { every: "15m" },
    policy: { retry: { max_attempts: 2, initial: "0s", on: ["trap"] } },
    env: script(log("info", "reading the warehouse's list"), log("warn", "the list is 3 hours old"), {
      trap: null,
    }),
  });
  await put("heartbeat", {
    schedule: { every: "30s" },
    grants: { tables: { beats: "write" } },
    env: script({ insert: { table: "beats", fields: { ok: true } } }, log("debug", "beat"), {
      return: "1 beat",
    }),
  });
  await put("monthly-invoices", {
    schedule: { cron: "0 6 1 * *", time_zone: zone },
    grants: { email: { to: ["*@example.com"] } },
    env: script(
      { email: { to: ["gone@example.com"], subject: "Invoice of November", text: "31.00" } },
      { return: "1 invoice" },
    ),
  });
  // It takes longer than its interval: some occurrences find it still at work.
  await put("mirror-photos", {
    schedule: { every: "2s" },
    env: script({ sleep_ms: 5000 }, { return: "214 photos" }),
  });
  const { digest } = await host.api("POST", "/components", program(REPORTER), {
    "Content-Type": "application/wasm",
  });
  await put("disk-report", { component: digest, schedule: { every: "6h" } });
  await put("import-rates", {
    schedule: { cron: "30 7,12,17 * * *", time_zone: zone, jitter: "5m" },
    env: script(log("info", "CHF 1.07 EUR"), { return: "CHF 1.07 EUR" }),
  });
  await put("rebuild-search", {
    schedule: {},
    grants: {
      tables: { catalogue: "read" },
      email: { to: ["ops@example.com"] },
      http: ["search.example.com"],
      secrets: ["WAREHOUSE_KEY"],
    },
    env: script(
      { repeat: { times: 400, step: log("info", "document {i} of the catalogue: 12 terms") } },
      log("warn", "2 documents have no language"),
      log("error", "document 77 could not be read: it has no title"),
      { return: "400 documents" },
    ),
  });
  await put("old-migration", { schedule: { every: "1d" }, env: script() });
  await host.api("POST", "/jobs/old-migration/pause", { reason: "done for good" });

  for (let round = 0; round < runs; round++) {
    const names = ["heartbeat", "rebuild-search", "import-rates", ...(round % 2 ? ["nightly-report"] : [])];
    await Promise.all([
      ...names.map((name) => host.run(name)),
      // Now and then it goes well.
      host.run(
        "sync-inventory",
        round % 4 === 2 ? undefined : [log("info", "the list is new"), { return: "96 items" }],
      ),
    ]);
  }
  const failed = await host.run("sync-inventory");
  await host.run("cleanup_tables");
  await host.api("PATCH", "/jobs/cleanup_tables", { schedule: { every: "2h" }, env: { KEEP_DAYS: "14" } });
  const long = await host.run("rebuild-search");
  await host.run("disk-report");
  await host.run("monthly-invoices");
  const requests = await askOthers(host, put);
  await until(async () => (await host.api("GET", "/jobs/mirror-photos/skips")).items.length > 0);
  await host.api("POST", "/jobs/mirror-photos/pause", { reason: "until the new disk is in" });
  const emails = async () => (await host.api("GET", "/emails?limit=1000")).items;
  if (host.environment.SANDGLASS_SMTP_HOST)
    await until(async () => (await emails()).every(({ state }) => state === "sent" || state === "failed"));
  const mail = await emails();
  return {
    failed: failed.id,
    long: long.id,
    requests: requests.id,
    email: mail.find((email) => email.html).id,
    dead: mail.find((email) => email.to.includes("gone@example.com")).id,
  };
}

/** Every page of the portal, by name. */
export const pages = (seeded) => ({
  jobs: "/",
  create: "/create",
  job: "/jobs/rebuild-search",
  "job-program": "/jobs/disk-report",
  "job-runs": "/jobs/heartbeat/runs",
  "job-settings": "/jobs/cleanup_tables/settings",
  "job-revisions": "/jobs/cleanup_tables/revisions",
  "job-api": "/jobs/cleanup_tables/api",
  run: `/runs/${seeded.long}`,
  "run-failed": `/runs/${seeded.failed}`,
  "run-requests": `/runs/${seeded.requests}`,
  runs: "/runs",
  upcoming: "/upcoming",
  tables: "/tables",
  table: "/tables/sessions",
  outbox: "/outbox",
  secrets: "/secrets",
  access: "/access",
  email: `/outbox/${seeded.email}`,
  "email-failed": `/outbox/${seeded.dead}`,
  host: "/host",
  nothing: "/nowhere",
});

/** Ends when a page shows what it is for. */
export async function settled(page) {
  await page.locator("main h1").first().waitFor();
  // A page may have several lists.
  await page.locator("main:not(:has(.loading))").waitFor();
}
