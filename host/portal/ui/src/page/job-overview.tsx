/** How a job has been doing. */

import { useLocation } from "preact-iso";
import { useMemo } from "preact/hooks";
import { getComponent } from "../api/components.ts";
import { listSkips } from "../api/jobs.ts";
import { listRuns } from "../api/runs.ts";
import type { Job, Run } from "../api/types.ts";
import { bytes, count, plural, short } from "../format/amount.ts";
import { duration } from "../format/time.ts";
import { useChanges } from "../live/events.ts";
import { useResource } from "../live/resource.ts";
import { ComponentReport } from "../part/component-report.tsx";
import { Icon } from "../part/icon.tsx";
import { Empty, ProblemNote, Warnings } from "../part/message.tsx";
import { Plot, PlotRoom } from "../part/plot.tsx";
import { Skips } from "../part/skips.tsx";
import { FullTime, Relative, Time } from "../part/time.tsx";

const RUNS = 200;

export function JobOverview({ job }: { job: Job }) {
  const runs = useResource(`plots ${job.name}`, (signal) => listRuns(job.name, {}, null, RUNS, signal));
  useChanges((change) => change.kind === "run" && change.job === job.name, runs.reload, 1500);
  const ended = useMemo(
    () => (runs.value?.items ?? []).filter((run) => run.ended_at && run.usage).reverse(),
    [runs.value],
  );
  const isReading = !runs.value && !runs.problem;
  return (
    <div class="overview">
      <Facts job={job} />
      <Warnings warnings={job.warnings} />
      {job.undelivered && (
        <div class="note bad">
          <Icon name="warning" />
          <p>
            {plural(job.undelivered.count, "notification")} could not be delivered. The newest:{" "}
            {job.undelivered.reason}
          </p>
        </div>
      )}
      <section class="card">
        <h2>Duration and outcome</h2>
        {runs.problem && <ProblemNote problem={runs.problem} retry={runs.reload} />}
        {isReading && <PlotRoom isTall />}
        {runs.value && ended.length === 0 && (
          <Empty icon="runs" title="No run has ended yet">
            <p>Run it now, or wait for its schedule.</p>
          </Empty>
        )}
        {ended.length > 0 && <DurationPlot runs={ended} />}
      </section>
      {(isReading || ended.length > 0) && (
        <div class="plots">
          <section class="card">
            <h2>Fuel</h2>
            {isReading ? (
              <PlotRoom />
            ) : (
              <UsagePlot
                label="Fuel of the last runs"
                runs={ended}
                colour="--plot-a"
                value={(run) => run.usage!.fuel}
                show={short}
              />
            )}
          </section>
          <section class="card">
            <h2>Peak memory</h2>
            {isReading ? (
              <PlotRoom />
            ) : (
              <UsagePlot
                label="Peak memory of the last runs"
                runs={ended}
                colour="--plot-b"
                value={(run) => run.usage!.memory_bytes}
                show={bytes}
              />
            )}
          </section>
        </div>
      )}
      <JobSkips job={job} />
      <JobComponent digest={job.specification.component} />
    </div>
  );
}

function Facts({ job }: { job: Job }) {
  const { succeeded, failed, cancelled, skipped, missed } = job.counters;
  return (
    <dl class="facts">
      <div>
        <dt>Next</dt>
        <dd>
          {job.next.length === 0 && (
            <span class="muted">{job.state === "paused" ? "paused" : "on demand"}</span>
          )}
          {job.next.map((at) => (
            <div key={at}>
              <Time at={at} />
            </div>
          ))}
        </dd>
      </div>
      <div>
        <dt>Last success</dt>
        <dd>{job.last_success ? <Relative at={job.last_success} /> : <span class="muted">none yet</span>}</dd>
      </div>
      <div>
        <dt>Runs</dt>
        <dd>
          {count(succeeded)} succeeded
          <div class={failed ? "bad-text" : "muted"}>{count(failed)} failed</div>
          {cancelled > 0 && <div class="muted">{count(cancelled)} cancelled</div>}
        </dd>
      </div>
      <div>
        <dt>Did not run</dt>
        <dd>
          {count(skipped)} skipped
          <div class="muted">{count(missed)} missed</div>
        </dd>
      </div>
      <div>
        <dt>Revision</dt>
        <dd>
          <a href={`/jobs/${job.name}/revisions`}>{job.revision}</a>
          <div class="muted">
            <Relative at={job.revised_at} />
          </div>
        </dd>
      </div>
    </dl>
  );
}

const OUTCOMES = [
  ["succeeded", "--good"],
  ["failed", "--bad"],
  ["cancelled", "--quiet"],
  ["skipped", "--warn"],
] as const;

const seconds = (run: Run) => Date.parse(run.ended_at!) / 1000;

function DurationPlot({ runs }: { runs: Run[] }) {
  const { route } = useLocation();
  const lines = OUTCOMES.map(([outcome, colour]) => ({
    label: outcome,
    colour,
    isDots: true,
    values: runs.map((run) => (run.outcome === outcome ? Math.max(run.duration_ms ?? 0, 0.5) : null)),
  }));
  return (
    <>
      <Plot
        label={`How long the last ${plural(runs.length, "run")} took, by outcome`}
        times={runs.map(seconds)}
        lines={lines}
        show={duration}
        isLogarithmic
        onPoint={(at) => route(`/runs/${runs[at]!.id}`)}
      />
      <p class="hint">The last {plural(runs.length, "run")}; a click on a dot opens its run.</p>
    </>
  );
}

interface UsagePlotProps {
  label: string;
  runs: Run[];
  colour: string;
  value: (run: Run) => number;
  show: (value: number) => string;
}

function UsagePlot({ label, runs, colour, value, show }: UsagePlotProps) {
  return (
    <Plot
      label={label}
      times={runs.map(seconds)}
      lines={[{ label: "each run", colour, values: runs.map(value) }]}
      show={show}
      height={140}
      isBinary={show === bytes}
    />
  );
}

function JobSkips({ job }: { job: Job }) {
  const total = job.counters.skipped + job.counters.missed;
  const skips = useResource(`skips ${job.name} ${total}`, (signal) => listSkips(job.name, 20, signal));
  if (!skips.value?.items.length) return null;
  return (
    <section class="card">
      <h2>Occurrences that did not run</h2>
      <Skips skips={skips.value.items} />
    </section>
  );
}

function JobComponent({ digest }: { digest: string }) {
  const component = useResource(`component ${digest}`, (signal) => getComponent(digest, signal));
  return (
    <section class="card">
      <h2>Component</h2>
      <p class="digest">
        <code>{digest}</code>
      </p>
      {component.value && (
        <>
          <p class="muted">
            Uploaded <FullTime at={component.value.uploaded_at} />
          </p>
          <ComponentReport component={component.value} />
        </>
      )}
      {component.problem && <ProblemNote problem={component.problem} retry={component.reload} />}
    </section>
  );
}
