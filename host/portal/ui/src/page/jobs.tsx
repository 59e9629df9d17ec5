/** All jobs: how they stand, what comes next, and what one does with them most. */

import { useLocation } from "preact-iso";
import { useMemo } from "preact/hooks";
import type { JobBrief } from "../api/types.ts";
import { plural } from "../format/amount.ts";
import { duration } from "../format/time.ts";
import { useAddress } from "../live/address.ts";
import { areAllRead, jobs, jobsProblem, lateJobs, useJobs } from "../live/jobs.ts";
import { Segmented } from "../part/field.tsx";
import { Icon } from "../part/icon.tsx";
import { JobActions } from "../part/job-actions.tsx";
import { Empty, Loading, ProblemNote } from "../part/message.tsx";
import { Badge, Strip, standing, type Standing } from "../part/state.tsx";
import { Countdown, Relative } from "../part/time.tsx";
import { VirtualList } from "../part/virtual-list.tsx";
import { useNarrow } from "../part/narrow.ts";

type Show = "all" | "attention" | "running" | "paused";
type Order = "attention" | "name" | "next" | "last";

const ROW_HEIGHT = 60;
const NARROW_ROW_HEIGHT = 104;

interface Entry {
  job: JobBrief;
  standing: Standing;
}

const FIRST: Record<Standing, number> = { late: 0, failing: 1, running: 2, fine: 2, paused: 2 };

function compare(order: Order): (a: Entry, b: Entry) => number {
  const byName = (a: Entry, b: Entry) => (a.job.name < b.job.name ? -1 : 1);
  switch (order) {
    case "name":
      return byName;
    case "next":
      return (a, b) => (a.job.next ?? "~").localeCompare(b.job.next ?? "~") || byName(a, b);
    case "last":
      return (a, b) =>
        (b.job.last_run?.ended_at ?? "").localeCompare(a.job.last_run?.ended_at ?? "") || byName(a, b);
    case "attention":
      return (a, b) => FIRST[a.standing] - FIRST[b.standing] || byName(a, b);
  }
}

const isShown = (show: Show, { standing, job }: Entry): boolean =>
  show === "all" ||
  (show === "attention" && (standing === "late" || standing === "failing")) ||
  (show === "running" && job.live_runs > 0) ||
  (show === "paused" && job.state === "paused");

const AS_A_RULE: { search: string; show: Show; order: Order } = {
  search: "",
  show: "all",
  order: "attention",
};

export function JobsPage() {
  useJobs();
  const [{ search, show, order }, change] = useAddress(AS_A_RULE);
  const isNarrow = useNarrow();
  const all = jobs.value;

  const entries = useMemo(
    () =>
      [...(all?.values() ?? [])].map((job): Entry => ({
        job,
        standing: standing(job, lateJobs.value.has(job.name)),
      })),
    [all, lateJobs.value],
  );
  const count = (which: Show) => entries.filter((entry) => isShown(which, entry)).length;
  const shown = useMemo(() => {
    const text = search.trim().toLowerCase();
    const matches = ({ job }: Entry) =>
      !text || job.name.includes(text) || job.schedule_words.toLowerCase().includes(text);
    return entries.filter((entry) => isShown(show, entry) && matches(entry)).sort(compare(order));
  }, [entries, search, show, order]);

  if (!all) {
    if (jobsProblem.value) return <ProblemNote problem={jobsProblem.value} />;
    return <Loading lines={8} />;
  }
  if (all.size === 0) return <NoJobs />;
  const choice = (value: Show, words: string) => [value, `${words} ${count(value)}`] as const;
  return (
    <>
      <header class="page-head">
        <h1>Jobs</h1>
        <a class="button primary" href="/create">
          <Icon name="plus" /> Create
        </a>
      </header>
      <div class="toolbar">
        <input
          type="search"
          aria-label="Search jobs"
          placeholder="Search by name or schedule"
          data-search
          value={search}
          onInput={(event) => change({ search: event.currentTarget.value })}
        />
        <Segmented<Show>
          legend="Which jobs"
          value={show}
          onValue={(value) => change({ show: value })}
          choices={[
            choice("all", "All"),
            choice("attention", "Late or failing"),
            choice("running", "Running"),
            choice("paused", "Paused"),
          ]}
        />
        <select
          aria-label="Order"
          value={order}
          onChange={(event) => change({ order: event.currentTarget.value as Order })}
        >
          <option value="attention">late and failing first</option>
          <option value="name">by name</option>
          <option value="next">by next occurrence</option>
          <option value="last">by last run</option>
        </select>
      </div>
      {jobsProblem.value && <ProblemNote problem={jobsProblem.value} />}
      {!isNarrow && (
        <div class="job-row job-heads" aria-hidden="true">
          <span>Job</span>
          <span>State</span>
          <span>Last runs</span>
          <span>Last</span>
          <span>Next</span>
          <span />
        </div>
      )}
      <VirtualList
        class="job-list"
        label="Jobs"
        count={shown.length}
        rowHeight={isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT}
        row={(at) => <JobRow key={shown[at]!.job.name} entry={shown[at]!} />}
      />
      <p class="list-foot muted" aria-live="polite">
        {shown.length === 0 ? "No job matches." : plural(shown.length, "job")}
        {!areAllRead.value && ", reading more …"}
      </p>
    </>
  );
}

const STANDING_WORDS: Partial<Record<Standing, string>> = { fine: "active", running: "running" };
const STANDING_STATES: Record<Standing, string> = {
  late: "late",
  failing: "failed",
  running: "running",
  paused: "paused",
  fine: "active",
};

function JobRow({ entry: { job, standing } }: { entry: Entry }) {
  const { route } = useLocation();
  const path = `/jobs/${job.name}`;
  const last = job.last_run;
  const open = (event: MouseEvent) => {
    const isOwn = (event.target as Element).closest("a, button");
    if (!isOwn && !getSelection()?.toString()) route(path);
  };
  return (
    <div class="job-row" role="listitem" onClick={open}>
      <span class="job-name">
        <a href={path}>{job.name}</a>
        <span class="muted">{job.schedule_words}</span>
      </span>
      <span class="job-state">
        <Badge state={STANDING_STATES[standing]}>{STANDING_WORDS[standing] ?? standing}</Badge>
        {standing !== "running" && job.live_runs > 0 && <Badge state="running" />}
      </span>
      <Strip recent={job.recent} />
      <span class="job-last">
        {last ? (
          <>
            <a href={`/runs/${last.id}`}>{duration(last.duration_ms)}</a>
            <span class="muted">
              <Relative at={last.ended_at} />
            </span>
          </>
        ) : (
          <span class="muted">never ran</span>
        )}
      </span>
      <span class="job-next">
        {job.next ? (
          <Countdown at={job.next} />
        ) : (
          <span class="muted">{job.state === "paused" ? "paused" : "on demand"}</span>
        )}
      </span>
      <JobActions name={job.name} state={job.state} isSmall />
    </div>
  );
}

function NoJobs() {
  return (
    <Empty icon="jobs" isPage title="No jobs yet">
      <p>
        A job is a WebAssembly component and a schedule. Drop a <code>.wasm</code> file, say when it runs, and
        see its first line of log a moment later.
      </p>
      <a class="button primary" href="/create">
        <Icon name="plus" /> Create the first job
      </a>
    </Empty>
  );
}
