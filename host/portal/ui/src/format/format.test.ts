import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, parseBytes, parseSpan, percent, short } from "./amount.ts";
import { duration, relative, span } from "./time.ts";
import { clockChanges, clockWords } from "./zone.ts";

test("lengths of time have two units at most", () => {
  const cases: [number, string][] = [
    [0, "0 ms"],
    [0.37, "370 µs"],
    [3, "3 ms"],
    [1234, "1.2 s"],
    [250_000, "4 m 10 s"],
    [7_500_000, "2 h 5 m"],
    [3 * 86_400_000, "3 d"],
  ];
  for (const [ms, text] of cases) assert.equal(duration(ms), text);
  assert.equal(span(59_999), "59 s");
  assert.equal(relative(10_000, 500_000), "8 m ago");
  assert.equal(relative(500_000, 10_000), "in 8 m 10 s");
});

test("sizes are read as limits write them, and written", () => {
  assert.equal(parseBytes("64MiB"), 64 << 20);
  assert.equal(parseBytes(10_000_000_000), 1e10);
  assert.equal(parseBytes("much"), undefined);
  assert.equal(bytes(1_153_434), "1.1 MiB");
  assert.equal(bytes(1 << 20), "1 MiB");
  assert.equal(parseSpan("90s"), 90_000);
  assert.equal(parseSpan("1mo"), undefined);
  assert.equal(percent(1, 0), 0);
});

test("long numbers have three figures and a prefix", () => {
  assert.deepEqual([9_871, 60_812, 1_000_000, 10_000_000_000].map(short), ["9,871", "60.8 k", "1 M", "10 G"]);
});

test("clock changes are found to the minute", () => {
  const from = Date.parse("2026-06-01T00:00:00Z");
  const changes = clockChanges("Europe/Zurich", from).map(({ at, minutes }) => [
    new Date(at).toISOString(),
    minutes,
  ]);
  assert.deepEqual(changes, [
    ["2026-10-25T01:00:00.000Z", -60],
    ["2027-03-28T01:00:00.000Z", 60],
  ]);
  assert.deepEqual(clockChanges("UTC", from), []);
  assert.deepEqual(clockChanges("Mars/Olympus", from), []);
  assert.match(
    clockWords("Europe/Zurich", from, "skip", "both"),
    /back by one hour on 25 October 2026.*is skipped.*both times/,
  );
  assert.match(clockWords("Asia/Tokyo", from, "shift", "first"), /does not change its clocks/);
});
