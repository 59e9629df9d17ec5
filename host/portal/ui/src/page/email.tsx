/** One mail, as its reader would see it. */

import { useRoute } from "preact-iso";
import { useState } from "preact/hooks";
import { getEmail, htmlUrl } from "../api/emails.ts";
import type { Email } from "../api/types.ts";
import { bytes } from "../format/amount.ts";
import { useResource } from "../live/resource.ts";
import { Segmented } from "../part/field.tsx";
import { Loading, ProblemNote } from "../part/message.tsx";
import { Badge } from "../part/state.tsx";
import { FullTime } from "../part/time.tsx";

export function EmailPage() {
  const { id = "" } = useRoute().params as { id: string };
  const email = useResource(`email ${id}`, (signal) => getEmail(id, signal));
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
      </header>
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
