/** Runs of all jobs. */

import { RunList } from "../part/run-list.tsx";

export function RunsPage() {
  return (
    <>
      <header class="page-head">
        <h1>Runs</h1>
      </header>
      <RunList />
    </>
  );
}
