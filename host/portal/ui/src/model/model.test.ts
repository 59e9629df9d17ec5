import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogLine, Row, Specification } from "../api/types.ts";
import { columnsOf } from "./columns.ts";
import { nextSort, toOrder, toParameters } from "./condition.ts";
import { difference } from "./difference.ts";
import { proposed, noGrants, toGrants, toGrantsForm, wants } from "./grants.ts";
import { LINES_MAX, Log } from "./log.ts";
import { fromLocalInput, toForm, toSpec } from "./schedule.ts";
import { toSettings, toSpecification } from "./specification.ts";

const line = (number: number, level: LogLine["level"] = "info"): LogLine => ({
  place: `0.${number}`,
  at: "2026-01-01T00:00:00Z",
  attempt: 1,
  level,
  source: "log",
  message: `Line ${number}`,
});

test("a log shows what matches, old lines and new ones", () => {
  const log = new Log();
  log.add([line(1), line(2, "warn"), line(12, "error")]);
  log.show({ level: "warn", text: "" });
  assert.deepEqual(log.shown, [1, 2]);
  log.add([line(20), line(21, "error")]);
  assert.deepEqual(log.shown, [1, 2, 4]);
  log.show({ level: "trace", text: "line 2" });
  assert.deepEqual(log.shown, [1, 3, 4]);
});

test("a log lets go of its beginning, and says of how much", () => {
  const log = new Log();
  log.add(Array.from({ length: LINES_MAX }, (_, number) => line(number)));
  log.add([line(LINES_MAX)]);
  assert.equal(log.lines.length + log.dropped, LINES_MAX + 1);
  assert.equal(log.shown.length, log.lines.length);
  assert.equal(log.last?.message, `Line ${LINES_MAX}`);
});

test("schedules come back from their forms as they were", () => {
  for (const spec of [
    { every: "15m" },
    { every: "1mo", time_zone: "Europe/Zurich", start: "2026-01-31T00:00:00.000Z" },
    { cron: "0 3 * * *", time_zone: "Europe/Zurich", dst_gap: "skip", jitter: "5m" },
    { at: "2026-03-04T05:06:00.000Z" },
    {},
  ]) {
    assert.deepEqual(toSpec(toForm(spec)), spec);
  }
  assert.equal(toSpec({ ...toForm({}), kind: "every", count: "" }), undefined);
  assert.equal(fromLocalInput("2026-07-01T12:00"), "2026-07-01T10:00:00.000Z");
});

test("grants are proposed for what is imported, and nothing is lost", () => {
  const imports = ["sandglass:job/table@0.1.0", "sandglass:job/log@0.1.0", "wasi:http/types@0.2.0"];
  assert.deepEqual(wants(imports), { tables: true, email: false, http: true, secrets: false });
  assert.equal(proposed(imports, noGrants()).tables.length, 1);
  const grants = {
    tables: { a: "read" as const },
    email: { to: ["*@example.com"], per_run: 3 },
    http: ["a.b", { host: "nas.lan:8080", private: true }],
    other: 1,
  };
  assert.deepEqual(toGrants(toGrantsForm(grants), grants), grants);
  assert.deepEqual(toGrants(noGrants()), {});
});

const specification: Specification = {
  component: "abc",
  schedule: { every: "1h" },
  policy: {
    overlap: "skip",
    max_concurrency: 1,
    late_after: "1m",
    catch_up: { all: { max: 5, window: "2h" } },
    timeout: "1m",
    retry: { max_attempts: 3, initial: "1s", max: "5m", on: [] },
    pause_after: 0,
    unknown: true,
  },
  limits: { fuel: 10_000_000_000, memory: "64MiB", unknown: 7 },
  grants: {},
  env: { A: "1" },
  hook: { secret: "HOOK" },
  notify: { on: ["late"], webhook: "https://nas.lan/", secret: "SIGNS", private: true, unknown: 1 },
  unknown: { deep: true },
};

test("a specification comes back from its form with what the form does not know", () => {
  const at = { at: "2026-03-04T05:06:07.000Z" };
  for (const schedule of [{ every: "1h", time_zone: "Europe/Zurich" }, at, {}]) {
    const before = { ...specification, schedule };
    assert.deepEqual(toSpecification(toSettings(before), before), before);
  }
});

test("differences are named by their paths", () => {
  const after = { ...specification, schedule: { cron: "0 3 * * *" }, env: {} };
  assert.deepEqual(difference(specification, after), [
    { path: "env.A", before: "1", after: undefined },
    { path: "schedule.cron", before: undefined, after: "0 3 * * *" },
    { path: "schedule.every", before: "1h", after: undefined },
  ]);
});

test("conditions and orders are written as the URL takes them", () => {
  const conditions = [
    { field: "done", operator: "eq", value: "true" },
    { field: "order", operator: "exists", value: "" },
    { field: " ", operator: "eq", value: "x" },
  ];
  assert.deepEqual(toParameters(conditions), [
    ["done", "eq.true"],
    ['"order"', "exists.true"],
  ]);
  const up = nextSort(undefined, "a");
  const down = nextSort(up, "a");
  assert.deepEqual([toOrder(up), toOrder(down), nextSort(down, "a")], ["a.asc", "a.desc", undefined]);
});

test("columns are what rows have in common", () => {
  const own = { version: 1, created_at: "", updated_at: "" };
  const rows: Row[] = [
    { id: "1", ...own, n: 1, at: "2026-01-01T00:00:00Z" },
    { id: "2", ...own, n: "x" },
    { id: "3", ...own, n: 2 },
  ];
  assert.deepEqual(columnsOf(rows), [
    { name: "n", count: 3, kinds: ["number", "text"] },
    { name: "at", count: 1, kinds: ["instant"] },
  ]);
});
