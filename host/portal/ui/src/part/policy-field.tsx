/** What happens around a job's runs. */

import type { Problem } from "../api/client.ts";
import { RETRIED } from "../model/cause.ts";
import type { PolicyForm } from "../model/specification.ts";
import { SelectField, TextField } from "./field.tsx";

interface PolicyFieldProps {
  form: PolicyForm;
  onForm: (form: PolicyForm) => void;
  problem?: Problem;
}

export function PolicyField({ form, onForm, problem }: PolicyFieldProps) {
  const change = (part: Partial<PolicyForm>) => onForm({ ...form, ...part });
  const error = (name: string) => problem?.at(`/policy/${name}`);
  // What the host knows and this page does not stays possible.
  const withOwn = (choices: [string, string][], own: string): [string, string][] =>
    choices.some(([value]) => value === own) ? choices : [...choices, [own, own || "as it is"]];
  const toggle = (cause: string) =>
    change({ on: form.on.includes(cause) ? form.on.filter((one) => one !== cause) : [...form.on, cause] });
  return (
    <>
      <div class="grid-fields">
        <SelectField
          label="While a run is going on, another is"
          value={form.overlap}
          onValue={(overlap) => change({ overlap })}
          error={error("overlap")}
          choices={withOwn(
            [
              ["skip", "skipped"],
              ["queue", "queued"],
              ["allow", "run beside it"],
              ["replace", "run in its place"],
            ],
            form.overlap,
          )}
        />
        {form.overlap === "allow" && (
          <TextField
            label="Runs side by side"
            inputMode="numeric"
            value={form.max_concurrency}
            onValue={(max_concurrency) => change({ max_concurrency })}
            error={error("max_concurrency")}
          />
        )}
        <TextField
          label="Missed when later than"
          value={form.late_after}
          onValue={(late_after) => change({ late_after })}
          error={error("late_after")}
          hint="1m, 2h"
        />
        <SelectField
          label="Missed occurrences"
          value={form.catch_up}
          onValue={(catch_up) => change({ catch_up })}
          error={error("catch_up")}
          choices={withOwn(
            [
              ["latest", "one run for the newest"],
              ["all", "a run for each"],
              ["none", "no run"],
            ],
            form.catch_up,
          )}
        />
        {form.catch_up === "all" && (
          <>
            <TextField
              label="Caught up at most"
              inputMode="numeric"
              value={form.catch_up_max}
              onValue={(catch_up_max) => change({ catch_up_max })}
              error={error("catch_up/all/max")}
            />
            <TextField
              label="Caught up if due within"
              value={form.catch_up_window}
              onValue={(catch_up_window) => change({ catch_up_window })}
              error={error("catch_up/all/window")}
            />
          </>
        )}
        <TextField
          label="Given up if not begun within"
          placeholder="never"
          value={form.start_within}
          onValue={(start_within) => change({ start_within })}
          error={error("start_within")}
        />
        <TextField
          label="Timeout of an attempt"
          value={form.timeout}
          onValue={(timeout) => change({ timeout })}
          error={error("timeout")}
          hint="30s, 5m; at most 24h"
        />
        <TextField
          label="Attempts at most"
          inputMode="numeric"
          value={form.max_attempts}
          onValue={(max_attempts) => change({ max_attempts })}
          error={error("retry/max_attempts")}
        />
        <TextField
          label="First backoff"
          value={form.initial}
          onValue={(initial) => change({ initial })}
          error={error("retry/initial")}
        />
        <TextField
          label="Longest backoff"
          value={form.max}
          onValue={(max) => change({ max })}
          error={error("retry/max")}
        />
        <TextField
          label="Pause after failures in a row"
          inputMode="numeric"
          value={form.pause_after}
          onValue={(pause_after) => change({ pause_after })}
          error={error("pause_after")}
          hint="0: never"
        />
      </div>
      <fieldset class="checks">
        <legend>Try again after these, too</legend>
        {RETRIED.map((cause) => (
          <label key={cause} class="check">
            <input type="checkbox" checked={form.on.includes(cause)} onChange={() => toggle(cause)} /> {cause}
          </label>
        ))}
      </fieldset>
    </>
  );
}
