/** What a time zone does to wall time, as the browser's own tables have it. */

export const zones: string[] = [
  "UTC",
  ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC"),
];

/** Minutes that a zone is ahead of UTC at an instant. */
export function offsetMinutes(zone: string, at: number): number {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  const name = format.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? "";
  const match = /GMT([+-])(\d\d):(\d\d)/.exec(name);
  return match ? (match[1] === "-" ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3])) : 0;
}

export interface ClockChange {
  at: number;
  /** Positive: clocks go forward. */
  minutes: number;
}

const DAY = 86_400_000;

/** The clock changes of the 370 days after `from`. None where the zone is unknown. */
export function clockChanges(zone: string, from: number): ClockChange[] {
  const changes: ClockChange[] = [];
  try {
    let before = offsetMinutes(zone, from);
    for (let day = from + DAY; day <= from + 370 * DAY; day += DAY) {
      const after = offsetMinutes(zone, day);
      if (after !== before) changes.push({ at: find(zone, day - DAY, day, before), minutes: after - before });
      before = after;
    }
  } catch {
    return [];
  }
  return changes;
}

/** The minute at which the offset stops being `before`. */
function find(zone: string, from: number, to: number, before: number): number {
  let [low, high] = [from, to];
  while (high - low > 60_000) {
    const middle = (low + high) / 2;
    if (offsetMinutes(zone, middle) === before) low = middle;
    else high = middle;
  }
  return Math.round(high / 60_000) * 60_000;
}

/** Clock changes, and what a schedule does with them, in a sentence. */
export function clockWords(zone: string, from: number, gap: string, repeat: string): string {
  const changes = clockChanges(zone, from);
  if (changes.length === 0) return `${zone} does not change its clocks in the coming year.`;
  const day = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    day: "numeric",
    month: "long",
    year: "numeric",
  });
  const told = changes.map(({ at, minutes }) => {
    const by = Math.abs(minutes) === 60 ? "one hour" : `${Math.abs(minutes)} minutes`;
    return `${minutes > 0 ? "forward" : "back"} by ${by} on ${day.format(at)}`;
  });
  const left = gap === "skip" ? "is skipped" : "runs when the gap ends";
  const twice = { last: "runs the second time", both: "runs both times" }[repeat] ?? "runs the first time";
  return `In ${zone} clocks go ${told.join(", and ")}. A time that is left out ${left}; one that comes twice ${twice}.`;
}
