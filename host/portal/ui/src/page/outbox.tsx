/** Mail that jobs have put in the outbox. */

import { useLocation } from "preact-iso";
import { listEmails } from "../api/emails.ts";
import { getHost } from "../api/host.ts";
import type { Email, Host } from "../api/types.ts";
import { useAddress } from "../live/address.ts";
import { useChanges, type Change } from "../live/events.ts";
import { usePages } from "../live/pages.ts";
import { useResource } from "../live/resource.ts";
import { SelectField } from "../part/field.tsx";
import { Icon } from "../part/icon.tsx";
import { Empty } from "../part/message.tsx";
import { Paged } from "../part/paged.tsx";
import { Badge } from "../part/state.tsx";
import { FullTime, Time } from "../part/time.tsx";

const PAGE = 50;

const ANY = { state: "" };

const STATES = [
  ["", "any"],
  ["queued", "queued"],
  ["sending", "sending"],
  ["sent", "sent"],
  ["failed", "failed"],
] as const;

export function OutboxPage() {
  const [{ state }, change] = useAddress(ANY);
  const emails = usePages(`emails ${state}`, PAGE, (cursor, limit, signal) =>
    listEmails(state, cursor, limit, signal),
  );
  const host = useResource("host", getHost);
  const reload = () => {
    emails.reload();
    host.reload();
  };
  const concerns = (change: Change) =>
    change.kind === "email" || (change.kind === "run" && change.state === "succeeded");
  useChanges(concerns, reload, 2000);
  return (
    <>
      <header class="page-head">
        <h1>Outbox</h1>
        {host.value?.email.delivers === false && (
          <p class="muted">This host has no mail server: mail rests here.</p>
        )}
      </header>
      {host.value?.email.problem && <DeliveryNote problem={host.value.email.problem} />}
      <div class="toolbar fields">
        <SelectField
          label="State"
          value={state}
          onValue={(next) => change({ state: next })}
          choices={STATES}
        />
      </div>
      <Paged
        pages={emails}
        lines={6}
        empty={
          <Empty icon="outbox" title={state === "" ? "No mail yet" : `No mail is ${state}`}>
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

/** Why mail waits, where all of it does. */
function DeliveryNote({ problem }: { problem: NonNullable<Host["email"]["problem"]> }) {
  return (
    <div class="note warn" role="status">
      <Icon name="warning" />
      <p>
        No mail can leave since <FullTime at={problem.since} />: {problem.reason}
      </p>
    </div>
  );
}

function EmailTable({ emails }: { emails: Email[] }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Mail">
      <table class="stack">
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
