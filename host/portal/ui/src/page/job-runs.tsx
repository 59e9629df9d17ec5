/** Runs of one job, and more of them for a time that is over. */

import { useState } from "preact/hooks";
import type { Job } from "../api/types.ts";
import { Backfill } from "../part/backfill.tsx";
import { RunList } from "../part/run-list.tsx";

export function JobRuns({ job }: { job: Job }) {
  const [asks, setAsks] = useState(false);
  const { every, cron, at } = job.specification.schedule;
  return (
    <>
      <RunList key={job.name} job={job.name}>
        {(every ?? cron ?? at) && (
          <button type="button" onClick={() => setAsks(true)}>
            Backfill
          </button>
        )}
      </RunList>
      {asks && <Backfill name={job.name} onClose={() => setAsks(false)} />}
    </>
  );
}
