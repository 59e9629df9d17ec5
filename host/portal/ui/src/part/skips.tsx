/** Occurrences that did not run, and why: those in a row for one reason are one line. */

import type { Skip } from "../api/types.ts";
import { plural } from "../format/amount.ts";
import { Time } from "./time.tsx";

const REASONS: Record<string, string> = {
  overlap: "a run of the job was still going on",
  missed: "the host was down, asleep or late",
  paused: "the job was paused",
};

export function Skips({ skips, of }: { skips: Skip[]; of?: (skip: Skip) => string }) {
  return (
    <ul class="skips">
      {skips.map((skip) => (
        <li key={`${of?.(skip)} ${skip.reason} ${skip.from}`}>
          <span class="skip-count">{plural(skip.count, "occurrence")}</span>
          {of && <a href={`/jobs/${of(skip)}`}>{of(skip)}</a>}
          <span>{REASONS[skip.reason] ?? skip.reason}</span>
          <span class="muted">
            <Time at={skip.from} />
            {skip.to !== skip.from && (
              <>
                {" – "}
                <Time at={skip.to} />
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
