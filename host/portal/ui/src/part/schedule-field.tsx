/** When a job runs: chosen in a few clicks, or written as cron, with what it means shown as one types. */

import { useEffect, useMemo, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { previewSchedule } from "../api/jobs.ts";
import type { Preview } from "../api/types.ts";
import { clockWords, zones } from "../format/zone.ts";
import { viewerZone } from "../format/time.ts";
import { now } from "../live/clock.ts";
import { problemOf } from "../live/resource.ts";
import {
  UNITS,
  fromLocalInput,
  soon,
  hasZone,
  localInput,
  toSpec,
  type Kind,
  type ScheduleForm,
} from "../model/schedule.ts";
import { Field, Segmented, SelectField, TextField } from "./field.tsx";
import { FullTime, Relative } from "./time.tsx";

const KINDS = [
  ["every", "Every"],
  ["cron", "Cron"],
  ["at", "Once"],
  ["demand", "On demand"],
] as const;

interface ScheduleFieldProps {
  form: ScheduleForm;
  onForm: (form: ScheduleForm) => void;
  /** What the host said of the schedule when it was sent. */
  problem?: Problem;
}

export function ScheduleField({ form, onForm, problem }: ScheduleFieldProps) {
  const change = (part: Partial<ScheduleForm>) => onForm({ ...form, ...part });
  const rest = (part: ScheduleForm["rest"]) => change({ rest: { ...form.rest, ...part } });
  const preview = usePreview(form);
  const over =
    preview.value?.occurrences.length === 0
      ? "This is over: nothing would run. Choose a time to come."
      : undefined;
  const error = (name: string) => problem?.at(`/schedule/${name}`) ?? preview.problem?.at(`/${name}`);
  return (
    <div class="schedule">
      <Segmented<Kind>
        legend="When the job runs"
        value={form.kind}
        onValue={(kind) => change({ kind, at: form.at || soon() })}
        choices={KINDS}
      />
      <div class="schedule-fields">
        {form.kind === "every" && (
          <div class="pair">
            <TextField
              label="Number"
              inputMode="numeric"
              value={form.count}
              onValue={(count) => change({ count })}
              error={error("every")}
              isWide
            />
            <SelectField
              label="Unit"
              value={form.unit}
              onValue={(unit) => change({ unit })}
              choices={UNITS}
            />
          </div>
        )}
        {form.kind === "cron" && (
          <TextField
            label="Cron expression"
            class="code"
            value={form.cron}
            onValue={(cron) => change({ cron })}
            error={error("cron")}
            hint="minute, hour, day of the month, month, day of the week; or @daily and its kin"
          />
        )}
        {form.kind === "at" && (
          <Field label="Date and time, where you are" hint={`In ${viewerZone}`} error={error("at") ?? over}>
            {(attributes) => (
              <input
                type="datetime-local"
                {...attributes}
                value={form.at}
                onInput={(event) => change({ at: event.currentTarget.value })}
              />
            )}
          </Field>
        )}
        {hasZone(form) && (
          <ZoneField value={form.zone} onValue={(zone) => change({ zone })} error={error("time_zone")} />
        )}
      </div>
      <PreviewBox form={form} preview={preview} />
      {form.kind !== "demand" && (
        <details class="more">
          <summary>Bounds, jitter and clock changes</summary>
          <div class="grid-fields">
            <TextField
              label="Jitter"
              placeholder="0s"
              value={form.rest.jitter ?? ""}
              onValue={(jitter) => rest({ jitter })}
              error={error("jitter")}
              hint="Each occurrence is delayed by up to this: 30s, 5m"
            />
            {form.kind !== "at" && (
              <BoundField
                label="Not before"
                value={form.rest.not_before}
                onValue={(not_before) => rest({ not_before })}
                error={error("not_before")}
              />
            )}
            {form.kind !== "at" && (
              <BoundField
                label="Not after"
                value={form.rest.not_after}
                onValue={(not_after) => rest({ not_after })}
                error={error("not_after")}
              />
            )}
            {form.kind === "every" && (
              <BoundField
                label="Counted from"
                value={form.rest.start}
                onValue={(start) => rest({ start })}
                error={error("start")}
              />
            )}
            {hasZone(form) && (
              <>
                <SelectField
                  label="A time that is left out"
                  value={form.rest.dst_gap ?? "shift"}
                  onValue={(dst_gap) => rest({ dst_gap })}
                  choices={[
                    ["shift", "runs when the gap ends"],
                    ["skip", "is skipped"],
                  ]}
                />
                <SelectField
                  label="A time that comes twice"
                  value={form.rest.dst_repeat ?? "first"}
                  onValue={(dst_repeat) => rest({ dst_repeat })}
                  choices={[
                    ["first", "runs the first time"],
                    ["last", "runs the second time"],
                    ["both", "runs both times"],
                  ]}
                />
              </>
            )}
          </div>
        </details>
      )}
    </div>
  );
}

function ZoneField({
  value,
  onValue,
  error,
}: {
  value: string;
  onValue: (zone: string) => void;
  error?: string;
}) {
  return (
    <>
      <TextField label="Time zone" list="zones" value={value} onValue={onValue} error={error} />
      <datalist id="zones">
        {zones.map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}

function BoundField({
  label,
  value,
  onValue,
  error,
}: {
  label: string;
  value: string | undefined;
  onValue: (value: string | undefined) => void;
  error?: string;
}) {
  return (
    <Field label={label} error={error}>
      {(attributes) => (
        <input
          type="datetime-local"
          {...attributes}
          value={localInput(value)}
          onInput={(event) => onValue(fromLocalInput(event.currentTarget.value))}
        />
      )}
    </Field>
  );
}

interface PreviewState {
  value?: Preview;
  problem?: Problem;
}

const PAUSE_MS = 120;
const COUNT = 5;

/** What the host makes of the schedule; the last good answer stays until there is another. */
function usePreview(form: ScheduleForm): PreviewState {
  const [state, setState] = useState<PreviewState>({});
  const spec = toSpec(form);
  const key = JSON.stringify(spec);
  useEffect(() => {
    if (!spec || form.kind === "demand") return setState({});
    const controller = new AbortController();
    const timer = setTimeout(() => {
      previewSchedule(spec, COUNT, controller.signal).then(
        (value) => setState({ value }),
        (error: unknown) => {
          if (!controller.signal.aborted)
            setState((before) => ({ value: before.value, problem: problemOf(error) }));
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key]);
  return state;
}

/** A fault stands beside its field already. */
const whatIsWrong = (problem: Problem) =>
  problem.faults.length > 0 ? "What is written is no schedule yet." : problem.message;

function PreviewBox({ form, preview }: { form: ScheduleForm; preview: PreviewState }) {
  const { dst_gap = "shift", dst_repeat = "first" } = form.rest;
  const zone = hasZone(form) ? form.zone : undefined;
  const words = useMemo(
    () => zone && clockWords(zone, now.peek(), dst_gap, dst_repeat),
    [zone, dst_gap, dst_repeat],
  );
  if (form.kind === "demand")
    return <p class="preview muted">It runs when somebody asks for it, and not by itself.</p>;
  const { value, problem } = preview;
  return (
    <div class={`preview ${problem ? "stale" : ""}`} aria-live="polite">
      <p class="preview-words">{problem ? whatIsWrong(problem) : (value?.words ?? "…")}</p>
      <ol>
        {Array.from({ length: form.kind === "at" ? 1 : COUNT }, (_, at) => {
          const occurrence = problem ? undefined : value?.occurrences[at];
          return (
            <li key={at}>
              {occurrence ? (
                <>
                  <FullTime at={occurrence} />{" "}
                  <span class="muted">
                    <Relative at={occurrence} />
                  </span>
                </>
              ) : (
                <span class="muted">{problem || !value ? "–" : "no further occurrence"}</span>
              )}
            </li>
          );
        })}
      </ol>
      <p class="hint">
        Times are in {viewerZone}; point at one for UTC. {words}
      </p>
    </div>
  );
}
