/** The next 24 hours over all jobs, and what was skipped lately. */

import { listSkips, listUpcoming, previewJob } from "../api/jobs.ts";
import type { Skip, Upcoming } from "../api/types.ts";
import { plural } from "../format/amount.ts";
import { shortTime, utc, viewerZone } from "../format/time.ts";
import { hostTime, now } from "../live/clock.ts";
import { useChanges } from "../live/events.ts";
import { jobs, useJobs } from "../live/jobs.ts";
import { useResource } from "../live/resource.ts";
import { Empty, Loading, ProblemNote } from "../part/message.tsx";
import { Skips } from "../part/skips.tsx";
import { Countdown } from "../part/time.tsx";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Jobs with a line of their own. */
const LINES = 60;
/** Occurrences that a line shows one by one. */
const MARKS = 120;
const AT_A_TIME = 4;
/** To an end of the line: there is no room for words. */
const NEAR = HOUR;

interface Line {
  job: string;
  next: number;
  /** Milliseconds since 1970, within the day. */
  marks: number[];
  words: string;
  /** There are more than the marks: the line is full. */
  isDense: boolean;
}

async function lineOf(next: Upcoming, end: number, signal: AbortSignal): Promise<Line> {
  const { occurrences, words } = await previewJob(next.job, MARKS + 1, signal);
  const marks = occurrences.map((at) => Date.parse(at)).filter((at) => at <= end);
  return {
    job: next.job,
    next: Date.parse(next.at),
    marks: marks.slice(0, MARKS),
    words,
    isDense: marks.length > MARKS,
  };
}

async function readLines(signal: AbortSignal): Promise<{ lines: Line[]; from: number; more: boolean }> {
  const from = hostTime();
  const { items, next } = await listUpcoming(new Date(from + DAY), LINES, signal);
  const lines: Line[] = [];
  const queue = items.map((item, at) => ({ item, at }));
  const read = async () => {
    for (let one = queue.shift(); one; one = queue.shift())
      lines[one.at] = await lineOf(one.item, from + DAY, signal);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, read));
  return { lines, from, more: next !== null };
}

export function UpcomingPage() {
  useJobs();
  const day = useResource("upcoming", readLines);
  useChanges((change) => change.kind === "job", day.reload, 3000);
  return (
    <>
      <header class="page-head">
        <h1>Upcoming</h1>
        <p class="muted">The next 24 hours, in {viewerZone}</p>
      </header>
      {day.problem && <ProblemNote problem={day.problem} retry={day.reload} />}
      {!day.value && !day.problem && <Loading lines={8} />}
      {day.value?.lines.length === 0 && (
        <Empty icon="upcoming" title="Nothing is due within 24 hours">
          <p>Jobs that are paused, run on demand, or have their next occurrence later are not shown here.</p>
          <a class="button" href="/create">
            Create a job
          </a>
        </Empty>
      )}
      {day.value && day.value.lines.length > 0 && <Timeline {...day.value} />}
      <RecentSkips />
    </>
  );
}

function Timeline({ lines, from, more }: { lines: Line[]; from: number; more: boolean }) {
  const place = (at: number) => `${Math.min(100, Math.max(0, ((at - from) / DAY) * 100))}%`;
  const hours: number[] = [];
  for (let hour = Math.ceil(from / (3 * HOUR)) * 3 * HOUR; hour < from + DAY; hour += 3 * HOUR)
    hours.push(hour);
  return (
    <section class="card timeline" aria-label="Occurrences of the next 24 hours">
      <div class="timeline-line timeline-hours" aria-hidden="true">
        <span />
        <div class="timeline-track">
          {hours
            .filter((hour) => hour - from > NEAR && from + DAY - hour > NEAR)
            .map((hour) => (
              <span key={hour} style={{ left: place(hour) }}>
                {shortTime(new Date(hour))}
              </span>
            ))}
        </div>
      </div>
      {lines.map(({ job, next, marks, words, isDense }) => (
        <div key={job} class="timeline-line">
          <div class="timeline-job">
            <a href={`/jobs/${job}`}>{job}</a>
            <span class="muted">
              {words}, <Countdown at={new Date(next).toISOString()} />
            </span>
          </div>
          <div
            class="timeline-track"
            role="img"
            aria-label={
              isDense
                ? `${job}: more than ${MARKS} occurrences`
                : `${job}: ${plural(marks.length, "occurrence")}`
            }
          >
            {hours.map((hour) => (
              <i key={hour} class="hour" style={{ left: place(hour) }} />
            ))}
            {isDense ? (
              <i class="dense" />
            ) : (
              marks.map((at) => (
                <i
                  key={at}
                  class="mark"
                  title={`${shortTime(new Date(at))} here\n${utc(new Date(at))}`}
                  style={{ left: place(at) }}
                />
              ))
            )}
            <i class="present" style={{ left: place(now.value) }} />
          </div>
        </div>
      ))}
      {more && <p class="hint">The {LINES} jobs that are due first are shown.</p>}
    </section>
  );
}

const JOBS_WITH_SKIPS = 20;
const SKIPS_OF_EACH = 5;

function RecentSkips() {
  const all = [...(jobs.value?.values() ?? [])]
    .filter((job) => job.skipped + job.missed > 0)
    .sort((a, b) => (b.last_skip ?? "").localeCompare(a.last_skip ?? ""));
  const skipping = all.slice(0, JOBS_WITH_SKIPS);
  const key = skipping.map(({ name, skipped, missed }) => `${name} ${skipped + missed}`).join();
  const skips = useResource(`skips ${key}`, async (signal) => {
    const lists = await Promise.all(
      skipping.map(async ({ name }) =>
        (await listSkips(name, SKIPS_OF_EACH, signal)).items.map((skip) => ({ ...skip, job: name })),
      ),
    );
    return lists.flat().sort((a, b) => b.to.localeCompare(a.to));
  });
  if (skipping.length === 0) return null;
  return (
    <section class="card">
      <h2>Occurrences that did not run</h2>
      {skips.problem && <ProblemNote problem={skips.problem} retry={skips.reload} />}
      {skips.value ? (
        <Skips skips={skips.value} of={(skip: Skip & { job?: string }) => skip.job ?? ""} />
      ) : (
        <Loading />
      )}
      {all.length > JOBS_WITH_SKIPS && (
        <p class="hint">
          Of the {JOBS_WITH_SKIPS} jobs that did so last; {plural(all.length - JOBS_WITH_SKIPS, "other")} did
          not run at times, too: their own pages tell.
        </p>
      )}
    </section>
  );
}
