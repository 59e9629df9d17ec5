/** One run: how it went, attempt by attempt, what it used, and its log. */

import { useLocation, useRoute } from "preact-iso";
import { useEffect } from "preact/hooks";
import { listRevisions } from "../api/jobs.ts";
import { cancelRun, getRun, retryRun } from "../api/runs.ts";
import type { Run, Specification } from "../api/types.ts";
import { duration } from "../format/time.ts";
import { useChanges } from "../live/events.ts";
import { attempt } from "../live/notice.ts";
import { useResource } from "../live/resource.ts";
import { Attempts } from "../part/attempts.tsx";
import { Effects } from "../part/effects.tsx";
import { CopyButton } from "../part/copy.tsx";
import { Icon } from "../part/icon.tsx";
import { LogView } from "../part/log-view.tsx";
import { Empty, Loading, ProblemNote } from "../part/message.tsx";
import { Requests } from "../part/requests.tsx";
import { RunBadge } from "../part/state.tsx";
import { Usage } from "../part/usage.tsx";
import { Countdown, Elapsed, FullTime } from "../part/time.tsx";

const LOOK_EVERY_MS = 5000;

export function RunPage() {
  const { id = "" } = useRoute().params as { id: string };
  const run = useResource(`run ${id}`, (signal) => getRun(id, signal));
  useChanges((change) => change.kind === "run" && change.id === id, run.reload, 200);
  const specification = useSpecification(run.value);
  const isLive = run.value !== undefined && run.value.outcome === null;
  useEffect(() => {
    // For what no event tells of, such as an attempt that waits for its turn.
    if (!isLive) return undefined;
    const timer = setInterval(run.reload, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [isLive, run.reload]);

  if (!run.value) {
    if (run.problem?.status === 404) {
      return (
        <Empty icon="runs" isPage title="There is no such run">
          <p>Its history may be gone: runs are kept for as long as the host was told.</p>
          <a class="button" href="/runs">
            To the runs
          </a>
        </Empty>
      );
    }
    return run.problem ? <ProblemNote problem={run.problem} retry={run.reload} /> : <Loading lines={8} />;
  }
  return (
    <>
      <RunHead run={run.value} onRun={run.set} isLive={isLive} />
      <Outcome run={run.value} />
      <div class="run-columns">
        <Usage run={run.value} specification={specification} />
        <section class="card">
          <h2>Attempts</h2>
          <Attempts run={run.value} />
          {run.value.usage && (
            <Effects run={run.value} tables={Object.keys(specification?.grants.tables ?? {})} />
          )}
        </section>
      </div>
      <Requests run={run.value} />
      <LogView key={id} run={id} isLive={isLive} />
    </>
  );
}

/** Of the revision that the run is of, where it is still kept. */
function useSpecification(run: Run | undefined): Specification | undefined {
  const [job, number] = [run?.job, run?.revision];
  const revisions = useResource(`revisions ${job} ${number}`, async (signal) =>
    job && number ? (await listRevisions(job, signal)).items : [],
  );
  return revisions.value?.find((revision) => revision.number === number)?.specification;
}

function RunHead({ run, onRun, isLive }: { run: Run; onRun: (run: Run) => void; isLive: boolean }) {
  const { route } = useLocation();
  const cancel = async () => {
    const cancelled = await attempt(() => cancelRun(run.id), "The run is cancelled.");
    if (cancelled) onRun(cancelled);
  };
  const again = async () => {
    const next = await attempt(() => retryRun(run.id));
    if (next) route(`/runs/${next.id}`);
  };
  return (
    <header class="page-head job-head">
      <div>
        <h1>
          <a href={`/jobs/${run.job}`}>{run.job}</a> <RunBadge run={run} />
        </h1>
        <p class="job-facts">
          <span>
            {run.trigger}, for <FullTime at={run.scheduled_for} />
          </span>
          {isLive && run.started_at ? (
            <span>
              , going on for <Elapsed since={run.started_at} />
            </span>
          ) : (
            run.duration_ms !== null && <span>, took {duration(run.duration_ms)}</span>
          )}
          {run.start_by && (
            <span class="muted">
              , given up <Countdown at={run.start_by} /> if it has not begun
            </span>
          )}
          {run.retry_of && (
            <span>
              , <a href={`/runs/${run.retry_of}`}>an earlier run</a> again
            </span>
          )}
          {run.revision !== null && (
            <span class="muted">
              , revision <a href={`/jobs/${run.job}/revisions`}>{run.revision}</a>
            </span>
          )}
        </p>
        <p class="run-id muted">
          <code>{run.id}</code> <CopyButton text={run.id} />
        </p>
      </div>
      <div class="actions">
        {isLive ? (
          <button type="button" class="danger" onClick={cancel}>
            Cancel
          </button>
        ) : (
          <button type="button" onClick={again}>
            <Icon name="play" /> Run again
          </button>
        )}
      </div>
    </header>
  );
}

/** What came of it, what went wrong, and where. */
function Outcome({ run }: { run: Run }) {
  const input = run.input === null ? undefined : JSON.stringify(run.input, null, 2);
  return (
    <>
      {run.outcome === "failed" && (
        <div class="note bad" role="alert">
          <Icon name="warning" />
          <div>
            <p>
              <strong>{run.cause}</strong>
              {run.message && `: ${run.message}`}
            </p>
            {run.last_error && (
              <p class="muted">The last error that a call into the host gave: {run.last_error}</p>
            )}
          </div>
        </div>
      )}
      {run.backtrace && (
        <section class="card">
          <h2>Backtrace</h2>
          <pre class="backtrace" tabIndex={0}>
            {run.backtrace}
          </pre>
        </section>
      )}
      {run.result !== null && (
        <section class="card result">
          <h2>Result</h2>
          <pre tabIndex={0}>{run.result}</pre>
        </section>
      )}
      {input !== undefined && (
        <details class="card more">
          <summary>Input</summary>
          <pre tabIndex={0}>{input}</pre>
        </details>
      )}
      {run.progress !== null && (
        <details class="card more">
          <summary>Progress of the last checkpoint</summary>
          <pre tabIndex={0}>{run.progress}</pre>
        </details>
      )}
    </>
  );
}
