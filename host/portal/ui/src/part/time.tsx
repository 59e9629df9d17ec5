/** Instants: in the viewer's zone, with UTC when one points at them. */

import { now } from "../live/clock.ts";
import { dayOf, long, near, relative, span, utc } from "../format/time.ts";

const title = (at: Date) => `${long(at)} here\n${utc(at)}`;

/** The time, and the day where it is another one than today. */
export function Time({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={title(date)}>
      {near(date, now.peek())}
    </time>
  );
}

/** Day and time in full. */
export function FullTime({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={title(date)}>
      {long(date)}
    </time>
  );
}

/** The day alone, where the hour does not matter. */
export function Day({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time dateTime={at} title={title(date)}>
      {dayOf(date)}
    </time>
  );
}

/** How far away it is, kept up to date. */
export function Relative({ at }: { at: string }) {
  const date = new Date(at);
  return (
    <time class="counting" dateTime={at} title={title(date)}>
      {relative(date.getTime(), now.value)}
    </time>
  );
}

/** Until something is due; what is overdue says so. */
export function Countdown({ at }: { at: string }) {
  const date = new Date(at);
  const rest = date.getTime() - now.value;
  return (
    <time class="counting" dateTime={at} title={title(date)}>
      {rest > 0 ? `in ${span(Math.max(rest, 1000))}` : "due"}
    </time>
  );
}

/** Since something began. */
export function Elapsed({ since }: { since: string }) {
  return <span class="counting">{span(Math.max(0, now.value - Date.parse(since)))}</span>;
}
