/** One job: its head, and the tabs below it. */

import { useLocation, useRoute } from "preact-iso";
import { useState } from "preact/hooks";
import { deleteJob, getJob } from "../api/jobs.ts";
import type { Job } from "../api/types.ts";
import { useChanges } from "../live/events.ts";
import { attempt } from "../live/notice.ts";
import { useResource, type Resource } from "../live/resource.ts";
import { Backfill } from "../part/backfill.tsx";
import { Confirm } from "../part/dialog.tsx";
import { Icon } from "../part/icon.tsx";
import { JobActions } from "../part/job-actions.tsx";
import { Empty, Loading, ProblemNote } from "../part/message.tsx";
import { RunWithInput } from "../part/run-with-input.tsx";
import { Badge } from "../part/state.tsx";
import { Countdown, FullTime } from "../part/time.tsx";
import { JobOverview } from "./job-overview.tsx";
import { JobRevisions } from "./job-revisions.tsx";
import { JobRuns } from "./job-runs.tsx";
import { JobSettings } from "./job-settings.tsx";
import { JobSnippets } from "./job-snippets.tsx";

const TABS = [
  ["", "Overview"],
  ["runs", "Runs"],
  ["settings", "Settings"],
  ["revisions", "Revisions"],
  ["api", "API"],
] as const;

export function JobPage() {
  const { name = "", tab = "" } = useRoute().params as { name: string; tab?: string };
  const job = useResource(`job ${name}`, (signal) => getJob(name, signal));
  useChanges(
    (change) =>
      (change.kind === "run" && change.job === name) || (change.kind === "job" && change.name === name),
    job.reload,
  );

  if (!job.value) {
    if (job.problem?.status === 404) return <Gone name={name} />;
    return job.problem ? <ProblemNote problem={job.problem} retry={job.reload} /> : <Loading lines={6} />;
  }
  if (job.problem?.status === 404) return <Gone name={name} />;
  return (
    <>
      <JobHead job={job.value} onJob={job.set} />
      <nav class="tabs" aria-label="About this job">
        {TABS.map(([path, words]) => (
          <a
            key={path}
            href={`/jobs/${name}${path && `/${path}`}`}
            aria-current={tab === path ? "page" : undefined}
          >
            {words}
          </a>
        ))}
      </nav>
      <Tab tab={tab} job={job} current={job.value} />
    </>
  );
}

function Tab({ tab, job, current }: { tab: string; job: Resource<Job>; current: Job }) {
  switch (tab) {
    case "runs":
      return <JobRuns name={current.name} />;
    case "settings":
      return <JobSettings job={current} onJob={job.set} />;
    case "revisions":
      return <JobRevisions job={current} onJob={job.set} />;
    case "api":
      return <JobSnippets job={current} />;
    default:
      return <JobOverview job={current} />;
  }
}

function JobHead({ job, onJob }: { job: Job; onJob: (job: Job) => void }) {
  const { route } = useLocation();
  const { every, cron, at } = job.specification.schedule;
  const hasSchedule = Boolean(every ?? cron ?? at);
  const [asks, setAsks] = useState<"input" | "backfill" | "delete">();
  const remove = async () => {
    setAsks(undefined);
    const done = await attempt(async () => {
      await deleteJob(job.name);
      return true;
    }, `${job.name} is deleted.`);
    if (done) route("/");
  };
  return (
    <>
      <header class="page-head job-head">
        <div>
          <h1>{job.name}</h1>
          <p class="job-facts">
            <Badge state={job.state} />{" "}
            {job.live_runs > 0 && <Badge state="running">{job.live_runs} going on</Badge>}{" "}
            <span>{job.schedule_words}</span>
            {job.next[0] && (
              <span class="muted">
                , next <Countdown at={job.next[0]} />
              </span>
            )}
          </p>
          {job.paused && (
            <p class="muted">
              Paused since <FullTime at={job.paused.since} />: {job.paused.reason}
            </p>
          )}
        </div>
        <div class="actions">
          <JobActions
            name={job.name}
            state={job.state}
            onJob={onJob}
            onRun={(run) => route(`/runs/${run.id}`)}
          />
          <button type="button" onClick={() => setAsks("input")}>
            Run with input
          </button>
          {hasSchedule && (
            <button type="button" onClick={() => setAsks("backfill")}>
              Backfill
            </button>
          )}
          <button
            type="button"
            class="plain icon-only"
            aria-label={`Delete ${job.name}`}
            title="Delete"
            onClick={() => setAsks("delete")}
          >
            <Icon name="trash" />
          </button>
        </div>
      </header>
      {asks === "input" && (
        <RunWithInput
          name={job.name}
          onClose={() => setAsks(undefined)}
          onRun={(run) => route(`/runs/${run.id}`)}
        />
      )}
      {asks === "backfill" && <Backfill name={job.name} onClose={() => setAsks(undefined)} />}
      {asks === "delete" && (
        <Confirm
          title={`Delete ${job.name}?`}
          action="Delete the job"
          onConfirm={remove}
          onClose={() => setAsks(undefined)}
        >
          <p>
            Its revisions and skips go with it, and runs that wait are cancelled. Tables and ended runs stay.
          </p>
        </Confirm>
      )}
    </>
  );
}

function Gone({ name }: { name: string }) {
  return (
    <Empty icon="jobs" isPage title={`There is no job ${name}`}>
      <p>It was deleted, or never was.</p>
      <a class="button" href="/">
        To the jobs
      </a>
    </Empty>
  );
}
