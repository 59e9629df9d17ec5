import type { Difference } from "../model/difference.ts";

/** What was, and what is instead; a mark stands beside the colour. */
export function DifferenceTable({ changes }: { changes: Difference[] }) {
  if (changes.length === 0) return <p class="muted">Nothing is different.</p>;
  return (
    <dl class="difference">
      {changes.map(({ path, before, after }) => (
        <div key={path}>
          <dt>{path}</dt>
          {before !== undefined && (
            <dd class="removed">
              <span aria-label="was">−</span> {before || "(empty)"}
            </dd>
          )}
          {after !== undefined && (
            <dd class="added">
              <span aria-label="is">+</span> {after || "(empty)"}
            </dd>
          )}
        </div>
      ))}
    </dl>
  );
}
