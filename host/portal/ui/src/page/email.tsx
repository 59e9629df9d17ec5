/** One mail, as its reader would see it. */

import { useLocation, useRoute } from "preact-iso";
import { useState } from "preact/hooks";
import { deleteEmail, getEmail, htmlUrl, resendEmail } from "../api/emails.ts";
import type { Email } from "../api/types.ts";
import { bytes } from "../format/amount.ts";
import { useChanges } from "../live/events.ts";
import { attempt } from "../live/notice.ts";
import { useResource } from "../live/resource.ts";
import { Confirm } from "../part/dialog.tsx";
import { Segmented } from "../part/field.tsx";
import { Icon } from "../part/icon.tsx";
import { Loading, ProblemNote } from "../part/message.tsx";
import { Badge } from "../part/state.tsx";
import { FullTime } from "../part/time.tsx";

export function EmailPage() {
  const { id = "" } = useRoute().params as { id: string };
  const email = useResource(`email ${id}`, (signal) => getEmail(id, signal));
  useChanges(
    (change) => change.kind === "email" && change.id === id && change.state !== "gone",
    email.reload,
  );
  if (!email.value)
    return email.problem ? (
      <ProblemNote problem={email.problem} retry={email.reload} />
    ) : (
      <Loading lines={6} />
    );
  return <Message email={email.value} />;
}

function Message({ email }: { email: Email }) {
  const [shown, setShown] = useState<"html" | "text">(email.html === null ? "text" : "html");
  return (
    <>
      <header class="page-head job-head">
        <div>
          <h1>{email.subject || "(no subject)"}</h1>
          <p class="job-facts">
            <Badge state={email.state} /> <FullTime at={email.queued_at} />, by{" "}
            <a href={`/jobs/${email.job}`}>{email.job}</a>
            {email.run && (
              <>
                {" "}
                in <a href={`/runs/${email.run}`}>this run</a>
              </>
            )}
          </p>
        </div>
        <EmailActions email={email} />
      </header>
      <DeliveryCard email={email} />
      <section class="card">
        <dl class="mail-heads">
          {(["to", "cc", "bcc"] as const).map(
            (kind) =>
              email[kind].length > 0 && (
                <div key={kind}>
                  <dt>{kind}</dt>
                  <dd>{email[kind].join(", ")}</dd>
                </div>
              ),
          )}
          {email.reply_to && (
            <div>
              <dt>reply to</dt>
              <dd>{email.reply_to}</dd>
            </div>
          )}
          <div>
            <dt>Message-ID</dt>
            <dd>
              <code>{email.message_id}</code>
            </dd>
          </div>
        </dl>
        {email.html !== null && email.text !== null && (
          <Segmented
            legend="Which part"
            value={shown}
            onValue={setShown}
            choices={[
              ["html", "HTML"],
              ["text", "Text"],
            ]}
          />
        )}
        {shown === "html" ? (
          <iframe class="mail-html" sandbox="" title="The mail's HTML" src={htmlUrl(email.id)} />
        ) : (
          <pre class="mail-text" tabIndex={0}>
            {email.text ?? "(nothing)"}
          </pre>
        )}
        {email.attachments.length > 0 && (
          <ul class="attachments">
            {email.attachments.map(({ file_name, content_type, size }) => (
              <li key={file_name}>
                {file_name}{" "}
                <span class="muted">
                  {content_type}, {bytes(size)}
                </span>
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

/** Sending again what has come to its end, and taking it out of the outbox. */
function EmailActions({ email }: { email: Email }) {
  const { route } = useLocation();
  const [asks, setAsks] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const hasEnded = email.state === "sent" || email.state === "failed";
  const resend = async () => {
    setBusy(true);
    const copy = await attempt(() => resendEmail(email.id), "A copy is queued.");
    setBusy(false);
    if (copy) route(`/outbox/${copy.id}`);
  };
  const remove = async () => {
    setAsks(false);
    const removed = await attempt(async () => {
      await deleteEmail(email.id);
      return true;
    }, "It is gone.");
    if (removed) route("/outbox");
  };
  return (
    <span class="job-actions">
      {hasEnded && (
        <button type="button" disabled={isBusy} onClick={resend}>
          <Icon name="outbox" /> Resend
        </button>
      )}
      <button type="button" disabled={email.state === "sending"} onClick={() => setAsks(true)}>
        <Icon name="trash" /> Remove
      </button>
      {asks && (
        <Confirm
          title="Take this mail out of the outbox?"
          action="Remove it"
          onConfirm={() => void remove()}
          onClose={() => setAsks(false)}
        >
          <p>{hasEnded ? "It cannot be sent again then." : "It has not been sent, and will not be."}</p>
        </Confirm>
      )}
    </span>
  );
}

/** How far it has come, for each recipient. */
function DeliveryCard({ email }: { email: Email }) {
  const { attempts, next_attempt_at, ended_at, reason, recipients } = email;
  if (attempts === 0 && !reason) return null;
  return (
    <section class="card">
      <h2>Delivery</h2>
      <p class="before-table">
        {attempts === 1 ? "1 attempt" : `${attempts} attempts`}
        {ended_at && (
          <>
            , the last <FullTime at={ended_at} />
          </>
        )}
        {next_attempt_at && (
          <>
            , the next <FullTime at={next_attempt_at} />
          </>
        )}
        {reason && <>: {reason}</>}
      </p>
      <div class="table-box" tabIndex={0} role="region" aria-label="Recipients">
        <table class="stack">
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Recipient</th>
              <th scope="col">The mail server’s words</th>
            </tr>
          </thead>
          <tbody>
            {recipients.map(({ address, state, reply }) => (
              <tr key={address}>
                <td>
                  <Badge state={state} />
                </td>
                <th scope="row">{address}</th>
                <td>{reply}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
