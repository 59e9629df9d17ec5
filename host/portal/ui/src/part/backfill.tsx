/** Runs for occurrences of a time that is over: how many there would be, and then that many. */

import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { backfillJob, previewJob } from "../api/jobs.ts";
import { count, plural } from "../format/amount.ts";
import { viewerZone } from "../format/time.ts";
import { hostTime } from "../live/clock.ts";
import { notify } from "../live/notice.ts";
import { problemOf } from "../live/resource.ts";
import { fromLocalInput, localInput } from "../model/schedule.ts";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { ProblemNote } from "./message.tsx";

const DAY = 86_400_000;
/** As many as the host lets wait, and tells of at once. */
const RUNS_MAX = 1000;
const PAUSE_MS = 200;

const BOUNDS = [
  ["from", "From"],
  ["to", "To, included"],
] as const;

interface BackfillProps {
  name: string;
  onClose: () => void;
}

export function Backfill({ name, onClose }: BackfillProps) {
  const [period, setPeriod] = useState(() => ({
    from: localInput(new Date(hostTime() - DAY).toISOString()),
    to: localInput(new Date(hostTime()).toISOString()),
  }));
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const from = fromLocalInput(period.from);
  const to = fromLocalInput(period.to);
  const runs = useCount(name, from, to);

  const ask = async (event: Event) => {
    event.preventDefault();
    if (!from || !to) return;
    setBusy(true);
    try {
      const made = await backfillJob(name, from, to);
      notify("done", `${plural(made.count, "run")} of ${name} asked for.`);
      onClose();
    } catch (error) {
      setProblem(problemOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Backfill ${name}`} onClose={onClose}>
      <form onSubmit={ask}>
        <p class="muted">
          A run for each occurrence of its present schedule in a time that is over, whether it ran then or
          not.
        </p>
        <div class="grid-fields">
          {BOUNDS.map(([bound, label]) => (
            <Field key={bound} label={label} hint={`In ${viewerZone}`} error={problem?.at(`/${bound}`)}>
              {(attributes) => (
                <input
                  type="datetime-local"
                  {...attributes}
                  required
                  value={period[bound]}
                  onInput={(event) => {
                    setProblem(undefined);
                    setPeriod({ ...period, [bound]: event.currentTarget.value });
                  }}
                />
              )}
            </Field>
          ))}
        </div>
        <p aria-live="polite">{words(runs)}</p>
        {problem && <ProblemNote problem={problem} />}
        <footer class="actions">
          <button type="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" class="primary" disabled={isBusy || !from || !to || runs === 0}>
            Ask for the runs
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function words(runs: number | undefined): string {
  if (runs === undefined) return "…";
  if (runs >= RUNS_MAX) return `${count(RUNS_MAX)} occurrences or more, and no more than that may wait.`;
  return runs === 0 ? "No occurrence then." : `${plural(runs, "occurrence")} then.`;
}

/** Occurrences of a time; undefined until it is known. */
function useCount(name: string, from: string | undefined, to: string | undefined): number | undefined {
  const [found, setFound] = useState<number>();
  useEffect(() => {
    setFound(undefined);
    if (!from || !to) return undefined;
    const controller = new AbortController();
    const after = new Date(Date.parse(from) - 1).toISOString();
    const timer = setTimeout(() => {
      previewJob(name, RUNS_MAX, controller.signal, after).then(
        ({ occurrences }) => {
          const within = occurrences.filter((at) => Date.parse(at) <= Date.parse(to)).length;
          setFound(within);
        },
        // Asking for the runs tells what is wrong.
        () => undefined,
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [name, from, to]);
  return found;
}
