/** What a run left behind, and where that is. */

import { Fragment } from "preact";
import { listEmails } from "../api/emails.ts";
import type { Run } from "../api/types.ts";
import { count, plural } from "../format/amount.ts";
import { useResource } from "../live/resource.ts";

/** Newest mails among which those of a run are looked for. */
const MAILS = 200;

export function Effects({ run, tables }: { run: Run; tables: string[] }) {
  const { rows_written = 0, rows_read = 0, emails = 0, http_calls = 0 } = run.usage ?? {};
  const isCommitted = run.outcome === "succeeded";
  const mails = useResource(`mails of ${run.id} ${isCommitted ? emails : 0}`, async (signal) => {
    if (!isCommitted || emails === 0) return [];
    const { items } = await listEmails(undefined, null, MAILS, signal);
    return items.filter((mail) => mail.run === run.id);
  });
  return (
    <div class="effects">
      <h2>Effects</h2>
      <p>
        {plural(rows_written, "row")} written, {count(rows_read)} read
        {tables.length > 0 && (rows_written > 0 || rows_read > 0) && (
          <>
            {" "}
            in{" "}
            {tables.map((table, at) => (
              <Fragment key={table}>
                {at > 0 && ", "}
                <a href={`/tables/${table}`}>{table}</a>
              </Fragment>
            ))}
          </>
        )}
      </p>
      <p>
        {plural(emails, "mail")} {isCommitted ? "put in the outbox" : "written"}
        {mails.value?.map((mail, at) => (
          <Fragment key={mail.id}>
            {at > 0 ? ", " : ": "}
            <a href={`/outbox/${mail.id}`}>{mail.subject || "(no subject)"}</a>
          </Fragment>
        ))}
        {mails.value && isCommitted && mails.value.length < emails && (
          <>
            {mails.value.length > 0 ? ", and " : ": "}
            {count(emails - mails.value.length)} further down in <a href="/outbox">the outbox</a>, or removed
          </>
        )}
      </p>
      {http_calls > 0 && <p>{plural(http_calls, "request")} to other hosts</p>}
      {!isCommitted && run.outcome !== null && (
        <p class="muted">It did not succeed: what no checkpoint has committed is dropped.</p>
      )}
    </div>
  );
}
