/** Runs, a page at a time, filtered by what the API can tell apart. */

import { useLocation } from "preact-iso";
import { listRuns } from "../api/runs.ts";
import type { Run } from "../api/types.ts";
import { duration } from "../format/time.ts";
import { short } from "../format/amount.ts";
import { useAddress } from "../live/address.ts";
import { useChanges } from "../live/events.ts";
import { usePages } from "../live/pages.ts";
import { CAUSES } from "../model/cause.ts";
import { fromLocalInput, localInput } from "../model/schedule.ts";
import { Field, SelectField } from "./field.tsx";
import { Empty } from "./message.tsx";
import { Paged } from "./paged.tsx";
import { RunBadge } from "./state.tsx";
import { Elapsed, Time } from "./time.tsx";

const OUTCOMES = [
  ["", "any"],
  ["running", "running"],
  ["queued", "queued"],
  ["retrying", "retrying"],
  ["succeeded", "succeeded"],
  ["failed", "failed"],
  ["cancelled", "cancelled"],
  ["skipped", "skipped"],
  ...CAUSES.map((cause) => [cause, `failed: ${cause}`] as const),
] as const;

const TRIGGERS = [
  ["", "any"],
  ["schedule", "schedule"],
  ["catch-up", "catch-up"],
  ["manual", "manual"],
  ["backfill", "backfill"],
  ["webhook", "webhook"],
] as const;

const PAGE = 50;

const ANY = { outcome: "", trigger: "", since: "", until: "" };

/** All jobs' where none is named. */
export function RunList({ job }: { job?: string }) {
  const [filter, change] = useAddress(ANY);
  const runs = usePages(`runs ${job} ${JSON.stringify(filter)}`, PAGE, (cursor, limit, signal) =>
    listRuns(job, filter, cursor, limit, signal),
  );
  useChanges((event) => event.kind === "run" && (job === undefined || event.job === job), runs.reload, 800);
  const isFiltered = Object.values(filter).some(Boolean);
  return (
    <section>
      <div class="toolbar fields">
        <SelectField
          label="Outcome"
          value={filter.outcome}
          onValue={(outcome) => change({ outcome })}
          choices={OUTCOMES}
        />
        <SelectField
          label="Trigger"
          value={filter.trigger}
          onValue={(trigger) => change({ trigger })}
          choices={TRIGGERS}
        />
        {(["since", "until"] as const).map((bound) => (
          <Field key={bound} label={bound === "since" ? "Made since" : "Made before"}>
            {(attributes) => (
              <input
                type="datetime-local"
                {...attributes}
                value={localInput(filter[bound])}
                onInput={(event) => change({ [bound]: fromLocalInput(event.currentTarget.value) ?? "" })}
              />
            )}
          </Field>
        ))}
      </div>
      <Paged
        pages={runs}
        lines={8}
        empty={
          <Empty icon="runs" title={isFiltered ? "No such run" : "No runs yet"}>
            {isFiltered ? (
              <button type="button" onClick={() => change(ANY)}>
                Show all
              </button>
            ) : (
              <>
                <p>Schedules make runs, and so does “Run now” of a job.</p>
                {!job && (
                  <a class="button" href="/">
                    To the jobs
                  </a>
                )}
              </>
            )}
          </Empty>
        }
      >
        {(items) => <RunTable runs={items} withJob={job === undefined} />}
      </Paged>
    </section>
  );
}

function RunTable({ runs, withJob }: { runs: Run[]; withJob: boolean }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Runs">
      <table class="stack">
        <thead>
          <tr>
            <th scope="col">Outcome</th>
            {withJob && <th scope="col">Job</th>}
            <th scope="col">For</th>
            <th scope="col">Trigger</th>
            <th scope="col" class="number">
              Took
            </th>
            <th scope="col" class="number">
              Fuel
            </th>
            <th scope="col">Result</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <RunLine key={run.id} run={run} withJob={withJob} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RunLine({ run, withJob }: { run: Run; withJob: boolean }) {
  const { route } = useLocation();
  return (
    <tr
      class="link-row"
      onClick={(event) => {
        if (!(event.target as Element).closest("a")) route(`/runs/${run.id}`);
      }}
    >
      <td>
        <RunBadge run={run} />
      </td>
      {withJob && (
        <td>
          <a href={`/jobs/${run.job}`}>{run.job}</a>
        </td>
      )}
      <td>
        <a href={`/runs/${run.id}`}>
          <Time at={run.scheduled_for} />
        </a>
      </td>
      <td>
        {run.trigger}
        {run.attempt > 1 && <span class="muted">, attempt {run.attempt}</span>}
      </td>
      <td class="number">
        {run.state === "running" && run.started_at ? (
          <Elapsed since={run.started_at} />
        ) : run.duration_ms !== null ? (
          duration(run.duration_ms)
        ) : (
          "–"
        )}
      </td>
      <td class="number secondary">{run.usage ? short(run.usage.fuel) : "–"}</td>
      <td class="cut rest muted">{run.outcome === "failed" ? run.message : run.result}</td>
    </tr>
  );
}
