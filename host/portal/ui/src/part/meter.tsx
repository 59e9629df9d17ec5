/** What was used of what was allowed. */

import { percent } from "../format/amount.ts";

interface MeterProps {
  label: string;
  value: number;
  /** Undefined: there is no limit to compare with. */
  limit: number | undefined;
  show: (value: number) => string;
}

export function Meter({ label, value, limit, show }: MeterProps) {
  const part = limit === undefined ? 0 : percent(value, limit);
  const words = limit === undefined ? show(value) : `${show(value)} of ${show(limit)}`;
  return (
    <div class="meter">
      <span class="meter-label">{label}</span>
      <span class="meter-words">{words}</span>
      {limit !== undefined && (
        <span
          class="meter-bar"
          role="meter"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={limit}
          aria-valuenow={Math.min(value, limit)}
          aria-valuetext={words}
        >
          <i class={part > 90 ? "high" : ""} style={{ width: `${Math.max(part, value > 0 ? 0.5 : 0)}%` }} />
        </span>
      )}
    </div>
  );
}

export function ProgressBar({ label, part }: { label: string; part: number }) {
  const whole = Math.round(part * 100);
  return (
    <div
      class="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={whole}
    >
      <i style={{ width: `${whole}%` }} />
    </div>
  );
}
