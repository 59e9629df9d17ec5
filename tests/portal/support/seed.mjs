// A host as it looks after a while: jobs that do well, one that fails, one that is paused; rows, mail, and runs.

const DAY = 86_400_000;

const REPORT = `<body style="font-family: sans-serif; padding: 24px"><h1 style="color: #0f6d66">Figures of the night</h1>
<table border="1" cellpadding="8" style="border-collapse: collapse"><tr><th>Plan</th><th>New</th></tr>
<tr><td>team</td><td>31</td></tr><tr><td>business</td><td>11</td></tr></table></body>`;

const script = (...steps) => ({ SCRIPT: JSON.stringify(steps) });
const log = (level, message) => ({ log: { level, message } });

/** Jobs, rows and runs. Gives the ids of a run that failed, of one with a long log, and of a mail with HTML. */
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
    env: script(log("info", "collecting figures"), {
      email: { to: ["team@example.com"], subject: "Figures of the night", text: "31 and 11", html: REPORT },
    }),
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
    env: script({ insert: { table: "beats", fields: { ok: true } } }, log("debug", "beat")),
  });
  await put("monthly-invoices", { schedule: { cron: "0 6 1 * *", time_zone: zone }, env: script() });
  await put("import-rates", {
    schedule: { cron: "30 7,12,17 * * *", time_zone: zone, jitter: "5m" },
    env: script(log("info", "CHF 1.07 EUR")),
  });
  await put("rebuild-search", {
    schedule: {},
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
    await Promise.all(names.map((name) => host.run(name)));
  }
  const failed = await host.run("sync-inventory");
  await host.run("cleanup_tables");
  await host.api("PATCH", "/jobs/cleanup_tables", { schedule: { every: "2h" }, env: { KEEP_DAYS: "14" } });
  const long = await host.run("rebuild-search");
  const { items } = await host.api("GET", "/emails");
  return { failed: failed.id, long: long.id, email: items.find((email) => email.html).id };
}

/** Every page of the portal, by name. */
export const pages = (seeded) => ({
  jobs: "/",
  create: "/create",
  job: "/jobs/rebuild-search",
  "job-runs": "/jobs/heartbeat/runs",
  "job-settings": "/jobs/cleanup_tables/settings",
  "job-revisions": "/jobs/cleanup_tables/revisions",
  "job-api": "/jobs/cleanup_tables/api",
  run: `/runs/${seeded.long}`,
  "run-failed": `/runs/${seeded.failed}`,
  runs: "/runs",
  upcoming: "/upcoming",
  tables: "/tables",
  table: "/tables/sessions",
  outbox: "/outbox",
  secrets: "/secrets",
  access: "/access",
  email: `/outbox/${seeded.email}`,
  host: "/host",
  nothing: "/nowhere",
});

/** Ends when a page shows what it is for. */
export async function settled(page) {
  await page.locator("main h1").first().waitFor();
  // A page may have several lists.
  await page.locator("main:not(:has(.loading))").waitFor();
}
