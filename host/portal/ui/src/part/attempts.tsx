/** The attempts of a run on one line of time, and what ended each. */

import type { Attempt, Run } from "../api/types.ts";
import { bytes, plural, short } from "../format/amount.ts";
import { duration } from "../format/time.ts";
import { now } from "../live/clock.ts";
import { RunBadge } from "./state.tsx";
import { Relative, Time } from "./time.tsx";

interface Bar {
  number: number;
  state: Run["state"];
  cause: string | null;
  from: number;
  to: number;
  message: string | null;
  /** Of one that another has followed: the page tells the newest one's own. */
  earlier?: Attempt;
}

function barsOf(run: Run): Bar[] {
  const ended = run.attempts.map((attempt): Bar => {
    const { number, outcome, cause, started_at, ended_at, message } = attempt;
    return {
      number,
      state: outcome,
      cause,
      from: Date.parse(started_at),
      to: Date.parse(ended_at),
      message,
      earlier: number < run.attempt ? attempt : undefined,
    };
  });
  const newest = run.attempts[run.attempts.length - 1];
  if (run.state !== "running") return ended;
  // Of the attempt that executes, only a first one's start is told.
  const from = newest ? Date.parse(newest.ended_at) : Date.parse(run.started_at ?? run.created_at);
  return [
    ...ended,
    {
      number: run.attempt,
      state: "running",
      cause: null,
      from,
      to: Math.max(now.value, from),
      message: null,
    },
  ];
}

export function Attempts({ run }: { run: Run }) {
  const bars = barsOf(run);
  if (bars.length === 0) return <p class="muted">The first attempt waits for its turn.</p>;
  const begin = bars[0]!.from;
  const length = Math.max(bars[bars.length - 1]!.to - begin, 1);
  return (
    <ol class="attempts">
      {bars.map((bar) => (
        <li key={bar.number}>
          <div class="attempt-head">
            <span>{bar.number}</span>
            <RunBadge run={bar} />
            <span class="muted">
              <Time at={new Date(bar.from).toISOString()} />, {duration(bar.to - bar.from)}
            </span>
          </div>
          <div class="attempt-line" aria-hidden="true">
            <i
              class={bar.state}
              style={{
                left: `${((bar.from - begin) / length) * 100}%`,
                width: `${Math.max(((bar.to - bar.from) / length) * 100, 0.8)}%`,
              }}
            />
          </div>
          {bar.message && <p class="attempt-message">{bar.message}</p>}
          {bar.earlier && <EarlierAttempt attempt={bar.earlier} />}
        </li>
      ))}
      {run.next_attempt_at && run.state !== "running" && (
        <li class="muted">
          The next attempt is due <Relative at={run.next_attempt_at} />.
        </li>
      )}
    </ol>
  );
}

/** What it used, and where it failed: kept, though a later one may have done better. */
function EarlierAttempt({ attempt }: { attempt: Attempt }) {
  const { usage, backtrace, last_error, revision } = attempt;
  return (
    <details class="inline">
      <summary>What it did</summary>
      <p class="muted">
        Revision {revision}: {short(usage.fuel)} fuel, {bytes(usage.memory_bytes)} of memory,{" "}
        {plural(usage.host_calls, "call")} into the host. What it had not committed by a checkpoint is
        dropped.
      </p>
      {last_error && (
        <p class="attempt-message">The last error that a call into the host gave: {last_error}</p>
      )}
      {backtrace && (
        <pre class="backtrace" tabIndex={0}>
          {backtrace}
        </pre>
      )}
    </details>
  );
}
