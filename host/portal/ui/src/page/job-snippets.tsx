/** The same by hand: with curl, and with the command line. */

import type { Job } from "../api/types.ts";
import { Snippet } from "../part/copy.tsx";

export function JobSnippets({ job }: { job: Job }) {
  const url = `${location.origin}/v1`;
  const authorization = '-H "Authorization: Bearer $SANDGLASS_TOKEN"';
  const curl = (line: string) => `curl ${authorization} \\\n  ${line}`;
  return (
    <div class="snippets">
      <p class="muted">
        <code>$SANDGLASS_TOKEN</code> is a token of this host; the first one is in the file <code>token</code>{" "}
        of its data folder.
      </p>
      <Snippet
        title="Run now, and wait for the end"
        text={curl(`-X POST "${url}/jobs/${job.name}/runs?wait=30s"`)}
      />
      <Snippet
        title="Run with input"
        text={curl(`--json '{"input": {"days": 7}}' ${url}/jobs/${job.name}/runs`)}
      />
      <Snippet
        title="A new version of the component"
        text={curl(`-T ${job.name}.wasm ${url}/jobs/${job.name}/component`)}
      />
      <Snippet
        title="The newest failed runs"
        text={curl(`"${url}/jobs/${job.name}/runs?outcome=failed&limit=10"`)}
      />
      <Snippet
        title="On the command line"
        text={[
          `export SANDGLASS_URL=${location.origin}`,
          `sandglass run ${job.name}`,
          `sandglass logs ${job.name} -f`,
          `sandglass show ${job.name}`,
          `sandglass next ${job.name} -n 5`,
        ].join("\n")}
      />
    </div>
  );
}
