/** The same by hand: with curl, and with the command line. */

import type { Job } from "../api/types.ts";
import { Snippet } from "../part/copy.tsx";

/** A signed request, by what every machine has. */
const hookLines = (job: string) => `ID=msg_$(date +%s%N) AT=$(date +%s) BODY='{"days": 7}'
KEY=$(printf %s "\${SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')
SIGNED=$(printf %s "$ID.$AT.$BODY" | openssl dgst -sha256 -mac HMAC -macopt hexkey:$KEY -binary | base64)
curl -d "$BODY" -H "Content-Type: application/json" -H "webhook-id: $ID" -H "webhook-timestamp: $AT" \\
  -H "webhook-signature: v1,$SIGNED" ${location.origin}/hooks/${job}`;

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
      {job.specification.hook ? (
        <Snippet title="Start a run by webhook" text={hookLines(job.name)} />
      ) : (
        <p class="muted">
          A <a href={`/jobs/${job.name}/settings`}>setting</a> lets signed requests of other systems start
          runs.
        </p>
      )}
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
