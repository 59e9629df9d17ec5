/** How jobs and runs stand: never by colour alone. */

import type { JobBrief, Outcome, Run } from "../api/types.ts";

const CLASSES: Record<string, string> = {
  succeeded: "good",
  failed: "bad",
  cancelled: "quiet",
  running: "busy",
  queued: "quiet",
  retrying: "warn",
  active: "good",
  paused: "quiet",
  late: "warn",
  sent: "good",
  sending: "busy",
  accepted: "good",
  deferred: "warn",
  refused: "bad",
};

export function Badge({ state, children }: { state: string; children?: preact.ComponentChildren }) {
  return <span class={`badge ${CLASSES[state] ?? "quiet"}`}>{children ?? state}</span>;
}

/** `failed: out-of-fuel` */
export function RunBadge({ run }: { run: Pick<Run, "state" | "cause"> }) {
  return <Badge state={run.state}>{run.cause ? `${run.state}: ${run.cause}` : run.state}</Badge>;
}

const STRIP = 20;

/** The last runs, oldest first: coloured by outcome, and tall where one failed. */
export function Strip({ recent }: { recent: Outcome[] }) {
  const shown = recent.slice(0, STRIP).reverse();
  const failed = shown.filter((outcome) => outcome === "failed").length;
  const label =
    shown.length === 0 ? "no runs yet" : `the last ${shown.length} runs, ${failed || "none"} of them failed`;
  return (
    <span class="strip" role="img" aria-label={label} title={label}>
      {Array.from({ length: STRIP - shown.length }, (_, at) => (
        <i key={at} class="none" />
      ))}
      {shown.map((outcome, at) => (
        <i key={STRIP + at} class={outcome} />
      ))}
    </span>
  );
}

export type Standing = "late" | "failing" | "running" | "paused" | "fine";

export function standing(job: JobBrief, isLate: boolean): Standing {
  if (isLate) return "late";
  if (job.last_run?.outcome === "failed") return "failing";
  if (job.live_runs > 0) return "running";
  return job.state === "paused" ? "paused" : "fine";
}
