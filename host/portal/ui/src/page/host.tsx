/** The host: what it runs, and how well. */

import { useEffect, useRef } from "preact/hooks";
import { getHost } from "../api/host.ts";
import type { Host } from "../api/types.ts";
import { bytes, count } from "../format/amount.ts";
import { duration } from "../format/time.ts";
import { useResource } from "../live/resource.ts";
import { session } from "../live/session.ts";
import { Loading, ProblemNote } from "../part/message.tsx";
import { Meter } from "../part/meter.tsx";
import { Plot } from "../part/plot.tsx";
import { Elapsed, FullTime } from "../part/time.tsx";

const LOOK_EVERY_MS = 2000;
const SAMPLES = 150;

interface Sample {
  at: number;
  /** Attempts that began in a second, since the sample before. */
  rate: number | null;
  executing: number;
}

/** What was seen while this page was open. */
function useSamples(host: Host | undefined): Sample[] {
  const samples = useRef<Sample[]>([]);
  const last = useRef<Host>(undefined);
  if (host && host !== last.current) {
    const before = last.current;
    const at = Date.parse(host.now) / 1000;
    const seconds = before ? at - Date.parse(before.now) / 1000 : 0;
    const begun = before ? host.attempts.started - before.attempts.started : 0;
    // A host that was started anew counts from zero.
    const rate = seconds > 0 && begun >= 0 ? begun / seconds : null;
    samples.current = [
      ...samples.current.slice(-SAMPLES + 1),
      { at, rate, executing: host.attempts.executing },
    ];
    last.current = host;
  }
  return samples.current;
}

const rateText = (rate: number) => String(Math.round(rate * 10) / 10);

export function HostPage() {
  const host = useResource("host", getHost);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || host.reload(), LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [host.reload]);
  const samples = useSamples(host.value);
  const value = host.value;
  if (!value)
    return host.problem ? <ProblemNote problem={host.problem} retry={host.reload} /> : <Loading lines={6} />;
  const rates = samples.filter((sample) => sample.rate !== null);
  const rate = samples[samples.length - 1]?.rate ?? null;
  const signedIn = session.value;
  return (
    <>
      <header class="page-head">
        <h1>Host</h1>
        <p class="muted">
          Sandglass {value.version}, {value.engine}
        </p>
      </header>
      <dl class="facts">
        <div>
          <dt>Up for</dt>
          <dd>
            <Elapsed since={value.started_at} />
            <div class="muted">
              since <FullTime at={value.started_at} />
            </div>
          </dd>
        </div>
        <div>
          <dt>Store</dt>
          <dd>
            {bytes(value.store_bytes)}
            <div class="muted">on disk</div>
          </dd>
        </div>
        <div>
          <dt>Attempts</dt>
          <dd>
            {count(value.attempts.started)}
            <div class="muted">since it started{rate !== null && `, ${rateText(rate)} a second now`}</div>
          </dd>
        </div>
        <div>
          <dt>Waiting runs</dt>
          <dd>{count(value.runs_waiting)}</dd>
        </div>
        <div>
          <dt>Lateness</dt>
          <dd>
            {duration(value.lateness.newest_ms)}
            <div class="muted">the worst {duration(value.lateness.worst_ms)}</div>
          </dd>
        </div>
      </dl>
      <section class="card">
        <h2>Attempts at one time</h2>
        <Meter label="Executing" value={value.attempts.executing} limit={value.attempts.max} show={count} />
      </section>
      <section class="card">
        <h2>Attempts in a second</h2>
        {rates.length === 0 && <p class="muted plot-room of-host">The first figures come in two seconds.</p>}
        {rates.length > 0 && (
          <Plot
            label="Attempts that began in a second, while this page was open"
            times={rates.map((sample) => sample.at)}
            lines={[
              { label: "begun in a second", colour: "--plot-a", values: rates.map((sample) => sample.rate) },
              { label: "executing", colour: "--plot-b", values: rates.map((sample) => sample.executing) },
            ]}
            show={rateText}
            height={160}
          />
        )}
        <p class="hint">Since this page was opened, every two seconds.</p>
      </section>
      {signedIn && signedIn !== "unknown" && (
        <p class="muted foot-note">
          Signed in with the token “{signedIn.token}”
          {signedIn.expires_at && (
            <>
              , until <FullTime at={signedIn.expires_at} />
            </>
          )}
          .
        </p>
      )}
    </>
  );
}
