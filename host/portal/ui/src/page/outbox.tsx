/** Mail that jobs have put in the outbox. */

import { useLocation } from "preact-iso";
import { listEmails } from "../api/emails.ts";
import type { Email } from "../api/types.ts";
import { useChanges } from "../live/events.ts";
import { usePages } from "../live/pages.ts";
import { Empty } from "../part/message.tsx";
import { Paged } from "../part/paged.tsx";
import { Badge } from "../part/state.tsx";
import { Time } from "../part/time.tsx";

const PAGE = 50;

export function OutboxPage() {
  const emails = usePages("emails", PAGE, listEmails);
  useChanges((change) => change.kind === "run" && change.state === "succeeded", emails.reload, 2000);
  return (
    <>
      <header class="page-head">
        <h1>Outbox</h1>
      </header>
      <Paged
        pages={emails}
        lines={6}
        empty={
          <Empty icon="outbox" title="No mail yet">
            <p>
              A job that is granted recipients puts mail here; it is there once its run has succeeded, and not
              before.
            </p>
          </Empty>
        }
      >
        {(items) => <EmailTable emails={items} />}
      </Paged>
    </>
  );
}

function EmailTable({ emails }: { emails: Email[] }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Mail">
      <table>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Subject</th>
            <th scope="col">To</th>
            <th scope="col">Job</th>
            <th scope="col">Queued</th>
          </tr>
        </thead>
        <tbody>
          {emails.map((email) => (
            <EmailLine key={email.id} email={email} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function EmailLine({ email }: { email: Email }) {
  const { route } = useLocation();
  const path = `/outbox/${email.id}`;
  return (
    <tr
      class="link-row"
      onClick={(event) => {
        if (!(event.target as Element).closest("a")) route(path);
      }}
    >
      <td>
        <Badge state={email.state} />
      </td>
      <td class="cut">
        <a href={path}>{email.subject || "(no subject)"}</a>
      </td>
      <td class="cut">{[...email.to, ...email.cc, ...email.bcc].join(", ")}</td>
      <td>
        <a href={`/jobs/${email.job}`}>{email.job}</a>
      </td>
      <td>
        <Time at={email.queued_at} />
      </td>
    </tr>
  );
}
