/** What a job was, revision by revision, and the way back. */

import { useState } from "preact/hooks";
import { getComponents } from "../api/components.ts";
import { listRevisions, rollBack } from "../api/jobs.ts";
import type { Job, Revision } from "../api/types.ts";
import { attempt } from "../live/notice.ts";
import { useResource } from "../live/resource.ts";
import { difference } from "../model/difference.ts";
import { ComponentLine } from "../part/component-report.tsx";
import { DifferenceTable } from "../part/difference-table.tsx";
import { Dialog } from "../part/dialog.tsx";
import { Loading, ProblemNote } from "../part/message.tsx";
import { Badge } from "../part/state.tsx";
import { FullTime } from "../part/time.tsx";

export function JobRevisions({ job, onJob }: { job: Job; onJob: (job: Job) => void }) {
  const revisions = useResource(`revisions ${job.name} ${job.revision}`, (signal) =>
    listRevisions(job.name, signal),
  );
  const digests = [...new Set(revisions.value?.items.map(({ specification }) => specification.component))];
  const components = useResource(`components ${digests.join()}`, (signal) => getComponents(digests, signal));
  const [chosen, setChosen] = useState<Revision>();
  if (!revisions.value) {
    return revisions.problem ? (
      <ProblemNote problem={revisions.problem} retry={revisions.reload} />
    ) : (
      <Loading lines={6} />
    );
  }
  const items = revisions.value.items;
  const back = async (revision: Revision) => {
    setChosen(undefined);
    const rolled = await attempt(
      () => rollBack(job.name, revision.number),
      `${job.name} is as in revision ${revision.number} again.`,
    );
    if (rolled) onJob(rolled);
  };
  return (
    <>
      <ol class="revisions">
        {items.map((revision, at) => (
          <li key={revision.number} class="card">
            <header>
              <h2>Revision {revision.number}</h2>
              {revision.number === job.revision ? (
                <Badge state="active">in force</Badge>
              ) : (
                <button type="button" class="small" onClick={() => setChosen(revision)}>
                  Roll back to {revision.number}
                </button>
              )}
              <span class="muted">
                <FullTime at={revision.committed_at} />
              </span>
            </header>
            <ComponentLine
              digest={revision.specification.component}
              component={components.value?.get(revision.specification.component)}
            />
            {items[at + 1] ? (
              <DifferenceTable changes={difference(items[at + 1]!.specification, revision.specification)} />
            ) : (
              <p class="muted">The oldest revision that is kept.</p>
            )}
            <details class="more">
              <summary>The whole specification</summary>
              <pre tabIndex={0}>{JSON.stringify(revision.specification, null, 2)}</pre>
            </details>
          </li>
        ))}
      </ol>
      {chosen && (
        <Dialog title={`Roll back to revision ${chosen.number}`} onClose={() => setChosen(undefined)}>
          <p>A new revision, a copy of {chosen.number}, takes the place of the present one. This changes:</p>
          <DifferenceTable changes={difference(job.specification, chosen.specification)} />
          <footer class="actions">
            <button type="button" onClick={() => setChosen(undefined)}>
              Cancel
            </button>
            <button type="button" class="primary" onClick={() => void back(chosen)}>
              Roll back
            </button>
          </footer>
        </Dialog>
      )}
    </>
  );
}
