/** What an attempt may use. */

import type { ComponentChildren } from "preact";
import type { Problem } from "../api/client.ts";
import { LIMITS } from "../model/limits.ts";
import { TextField } from "./field.tsx";

interface LimitsFieldProps {
  form: Record<string, string>;
  onForm: (form: Record<string, string>) => void;
  problem?: Problem;
  /** What is no limit by name, and stands among them. */
  children?: ComponentChildren;
}

/** What is left empty takes its default, which stands in its place. */
export function LimitsField({ form, onForm, problem, children }: LimitsFieldProps) {
  return (
    <div class="grid-fields">
      {children}
      {LIMITS.map(({ name, words, fallback, hint }) => (
        <TextField
          key={name}
          label={words}
          placeholder={fallback}
          hint={hint}
          value={form[name] ?? ""}
          onValue={(value) => onForm({ ...form, [name]: value })}
          error={problem?.at(`/limits/${name}`)}
        />
      ))}
    </div>
  );
}
