/** What the newest attempt of a run used, against what it was allowed. */

import type { Limits, Run, Specification } from "../api/types.ts";
import { bytes, parseBytes, parseSpan, short } from "../format/amount.ts";
import { duration } from "../format/time.ts";
import { Meter } from "./meter.tsx";

const limitNumber = (limits: Limits | undefined, name: string): number | undefined => {
  const value = limits?.[name];
  return value === undefined ? undefined : parseBytes(value);
};

/** Usage against the limits of the revision that ran. */
export function Usage({ run, specification }: { run: Run; specification: Specification | undefined }) {
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
    </section>
  );
}
