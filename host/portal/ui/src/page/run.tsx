/** One run: how it went, attempt by attempt, what it used, and its log. */

import { useLocation, useRoute } from "preact-iso";
import { useEffect } from "preact/hooks";
import { listRevisions } from "../api/jobs.ts";
import { listEmails } from "../api/emails.ts";
import { cancelRun, getRun, retryRun } from "../api/runs.ts";
import type { Limits, Run } from "../api/types.ts";
import { bytes, count, parseBytes, parseSpan, plural, short } from "../format/amount.ts";
import { duration } from "../format/time.ts";
import { useChanges } from "../live/events.ts";
import { attempt } from "../live/notice.ts";
import { useResource } from "../live/resource.ts";
import { Attempts } from "../part/attempts.tsx";
import { CopyButton } from "../part/copy.tsx";
import { Icon } from "../part/icon.tsx";
import { LogView } from "../part/log-view.tsx";
import { Empty, Loading, ProblemNote } from "../part/message.tsx";
import { Meter } from "../part/meter.tsx";
import { Badge, RunBadge } from "../part/state.tsx";
import { TableBox } from "../part/table-box.tsx";
import { Countdown, Elapsed, FullTime } from "../part/time.tsx";

const LOOK_EVERY_MS = 5000;

export function RunPage() {
  const { id = "" } = useRoute().params as { id: string };
  const run = useResource(`run ${id}`, (signal) => getRun(id, signal));
  useChanges((change) => change.kind === "run" && change.id === id, run.reload, 200);
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
        <Usage run={run.value} />
        <section class="card">
          <h2>Attempts</h2>
          <Attempts run={run.value} />
        </section>
      </div>
      <Requests run={run.value} />
      <LogView key={id} run={id} isLive={isLive} />
    </>
  );
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

/** Requests to other hosts, in the order in which they were begun. */
function Requests({ run }: { run: Run }) {
  const all = run.usage?.http_calls ?? 0;
  if (run.exchanges.length === 0) return null;
  return (
    <section class="requests">
      <h2>Requests to other hosts</h2>
      <TableBox label="Requests" columns={["Answer", "Request", "Address", "Took", "Sent", "Received"]}>
        {run.exchanges.map((exchange, at) => (
          <tr key={at}>
            <td>
              <Badge state={exchange.error ? "failed" : (exchange.status ?? 0) < 400 ? "succeeded" : "late"}>
                {[exchange.status, exchange.error].filter(Boolean).join(" ") || "no answer"}
              </Badge>
            </td>
            <th scope="row">
              <code>
                {exchange.method} {exchange.scheme}://{exchange.host}:{exchange.port}
              </code>
            </th>
            <td>{exchange.address ? <code>{exchange.address}</code> : <span class="muted">none</span>}</td>
            <td>{duration(parseSpan(exchange.duration) ?? 0)}</td>
            <td>{bytes(exchange.sent)}</td>
            <td>{bytes(exchange.received)}</td>
          </tr>
        ))}
      </TableBox>
      {all > run.exchanges.length && (
        <p class="muted">{plural(all, "request")} in all: only the first ones that were sent are kept.</p>
      )}
    </section>
  );
}

const limitNumber = (limits: Limits | undefined, name: string): number | undefined => {
  const value = limits?.[name];
  return value === undefined ? undefined : parseBytes(value);
};

/** Usage against the limits of the revision that ran, and what the run did. */
function Usage({ run }: { run: Run }) {
  const revisions = useResource(`revisions ${run.job} ${run.revision}`, (signal) =>
    listRevisions(run.job, signal),
  );
  const specification = revisions.value?.items.find(
    (revision) => revision.number === run.revision,
  )?.specification;
  const limits = specification?.limits;
  const { usage } = run;
  if (!usage) {
    return (
      <section class="card">
        <h2>Usage</h2>
        <p class="muted">It is known when an attempt has ended.</p>
      </section>
    );
  }
  const timeout = specification && parseSpan(specification.policy.timeout);
  return (
    <section class="card">
      <h2>Usage</h2>
      <Meter label="Fuel" value={usage.fuel} limit={limitNumber(limits, "fuel")} show={short} />
      <Meter label="Memory" value={usage.memory_bytes} limit={limitNumber(limits, "memory")} show={bytes} />
      <Meter label="Wall time" value={usage.wall_micros / 1000} limit={timeout} show={duration} />
      <Meter
        label="Calls into the host"
        value={usage.host_calls}
        limit={limitNumber(limits, "host_calls")}
        show={short}
      />
      <Meter label="Log" value={usage.log_bytes} limit={limitNumber(limits, "log")} show={bytes} />
      <Effects run={run} tables={Object.keys(specification?.grants.tables ?? {})} />
    </section>
  );
}

/** Newest mails among which those of a run are looked for. */
const MAILS = 200;

/** What it left behind, and where that is. */
function Effects({ run, tables }: { run: Run; tables: string[] }) {
  const { rows_written = 0, rows_read = 0, emails = 0 } = run.usage ?? {};
  const isCommitted = run.outcome === "succeeded";
  const mails = useResource(`mails of ${run.id} ${isCommitted ? emails : 0}`, async (signal) => {
    if (!isCommitted || emails === 0) return [];
    const { items } = await listEmails(undefined, null, MAILS, signal);
    return items.filter((mail) => mail.run === run.id);
  });
  return (
    <div class="effects">
      <p>
        {plural(rows_written, "row")} written, {count(rows_read)} read
        {tables.length > 0 && (rows_written > 0 || rows_read > 0) && (
          <>
            {" "}
            in{" "}
            {tables.map((table, at) => (
              <>
                {at > 0 && ", "}
                <a href={`/tables/${table}`}>{table}</a>
              </>
            ))}
          </>
        )}
      </p>
      <p>
        {plural(emails, "mail")} {isCommitted ? "put in the outbox" : "written"}
        {mails.value?.map((mail, at) => (
          <>
            {at > 0 ? ", " : ": "}
            <a href={`/outbox/${mail.id}`}>{mail.subject || "(no subject)"}</a>
          </>
        ))}
      </p>
      {!isCommitted && run.outcome !== null && (
        <p class="muted">It did not succeed: what no checkpoint has committed is dropped.</p>
      )}
    </div>
  );
}
