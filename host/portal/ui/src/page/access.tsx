/** Who may call the host, and who changed what. */

import { useRef, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { addToken, deleteToken, listAudit, listTokens } from "../api/tokens.ts";
import { RIGHTS, type AuditEntry, type MadeToken, type Right, type Token } from "../api/types.ts";
import { attempt } from "../live/notice.ts";
import { usePages } from "../live/pages.ts";
import { problemOf } from "../live/resource.ts";
import { grantsText, noGrants, toGrants } from "../model/grants.ts";
import { Confirm, Dialog } from "../part/dialog.tsx";
import { Field, TextField, useFaultInSight } from "../part/field.tsx";
import { GrantsField } from "../part/grants-field.tsx";
import { Icon } from "../part/icon.tsx";
import { Empty, ProblemNote } from "../part/message.tsx";
import { Paged } from "../part/paged.tsx";
import { TableBox } from "../part/table-box.tsx";
import { Day, Time } from "../part/time.tsx";

const PAGE = 100;

const MEANING: Record<Right, string> = {
  read: "looks at jobs, runs and logs",
  run: "also asks for runs, cancels and retries them",
  deploy: "also changes jobs and uploads components",
  admin: "may do everything: secrets, mail, tables, tokens",
};

const ALL = { tables: true, email: true, http: true, secrets: true };

type Asks = { kind: "new" } | { kind: "delete"; name: string } | { kind: "made"; made: MadeToken };

export function AccessPage() {
  const tokens = usePages("tokens", PAGE, listTokens);
  const audit = usePages("audit", PAGE, listAudit);
  const [asks, setAsks] = useState<Asks>();
  const reload = () => {
    tokens.reload();
    audit.reload();
  };
  const remove = async (name: string) => {
    setAsks(undefined);
    await attempt(() => deleteToken(name), `${name} is deleted.`);
    reload();
  };
  return (
    <>
      <header class="page-head">
        <h1>Access</h1>
        <button type="button" class="primary" onClick={() => setAsks({ kind: "new" })}>
          <Icon name="plus" /> New token
        </button>
      </header>
      <Paged pages={tokens} lines={3} empty={<Empty icon="access" title="No tokens" />}>
        {(items) => <TokenTable tokens={items} onDelete={(name) => setAsks({ kind: "delete", name })} />}
      </Paged>
      <h2 class="apart">Who changed what</h2>
      <Paged
        pages={audit}
        lines={6}
        empty={
          <Empty icon="access" title="Nothing was changed yet">
            <p>Changes of jobs, components, tables, secrets, mail and tokens are listed here.</p>
          </Empty>
        }
      >
        {(items) => <AuditTable entries={items} />}
      </Paged>
      {asks?.kind === "new" && (
        <NewTokenDialog
          onClose={() => setAsks(undefined)}
          onMade={(made) => {
            setAsks({ kind: "made", made });
            reload();
          }}
        />
      )}
      {asks?.kind === "made" && <MadeDialog made={asks.made} onClose={() => setAsks(undefined)} />}
      {asks?.kind === "delete" && (
        <Confirm
          title={`Delete the token ${asks.name}?`}
          action="Delete the token"
          onConfirm={() => void remove(asks.name)}
          onClose={() => setAsks(undefined)}
        >
          <p>Whoever uses it is refused from then on, and browsers that signed in with it are signed out.</p>
        </Confirm>
      )}
    </>
  );
}

function TokenTable({ tokens, onDelete }: { tokens: Token[]; onDelete: (name: string) => void }) {
  return (
    <TableBox
      label="Tokens"
      columns={["Token", "Right", "Grants", "Made", "Expires"]}
      secondary={["Made"]}
      acts
    >
      {tokens.map(({ name, right, grants, created_at, expires_at, is_valid }) => (
        <tr key={name}>
          <th scope="row">
            <code>{name}</code>
          </th>
          <td title={MEANING[right]}>{right}</td>
          <td class="wraps">
            {right === "admin" ? "all" : grantsText(grants) || <span class="muted">none</span>}
          </td>
          <td class="secondary">
            <Day at={created_at} />
          </td>
          <td>
            {expires_at ? <Day at={expires_at} /> : "never"}
            {!is_valid && " (it has)"}
          </td>
          <td class="acts">
            <button
              type="button"
              class="plain icon-only"
              aria-label={`Delete the token ${name}`}
              onClick={() => onDelete(name)}
            >
              <Icon name="trash" />
            </button>
          </td>
        </tr>
      ))}
    </TableBox>
  );
}

function AuditTable({ entries }: { entries: AuditEntry[] }) {
  return (
    <TableBox label="Changes" columns={["When", "Token", "By", "Change"]} secondary={["By"]}>
      {entries.map(({ number, at, token, session, method, path, status }) => (
        <tr key={number}>
          <td>
            <Time at={at} />
          </td>
          <td>
            <code>{token}</code>
          </td>
          <td class="secondary">{session ? "portal" : "token"}</td>
          <td>
            <code>
              {method} {path}
            </code>
            {status === 403 && " was refused"}
          </td>
        </tr>
      ))}
    </TableBox>
  );
}

function NewTokenDialog({ onMade, onClose }: { onMade: (made: MadeToken) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [right, setRight] = useState<Right>("read");
  const [life, setLife] = useState("90d");
  const [grants, setGrants] = useState(noGrants);
  const [problem, setProblem] = useState<Problem>();
  const place = useRef<HTMLFormElement>(null);
  useFaultInSight(place, problem);
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      const limited = right === "admin" ? {} : { grants: toGrants(grants) };
      onMade(
        await addToken({ name, right, ...limited, ...(life.trim() ? { expires_in: life.trim() } : {}) }),
      );
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title="New token" onClose={onClose}>
      <form ref={place} onSubmit={save}>
        <TextField
          label="Name"
          class="code"
          required
          maxLength={63}
          value={name}
          onValue={setName}
          error={problem?.at("/name")}
          hint="Whose it is, or what it is for: a-z, 0-9, _ and -"
        />
        <Field label="Right" hint={`It ${MEANING[right]}.`}>
          {(attributes) => (
            <select
              {...attributes}
              value={right}
              onChange={(event) => setRight(event.currentTarget.value as Right)}
            >
              {RIGHTS.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField
          label="Valid for"
          value={life}
          onValue={setLife}
          error={problem?.at("/expires_in")}
          hint="Such as 12h or 90d; empty: until it is deleted"
        />
        {right !== "admin" && (
          <fieldset class="of-token">
            <legend>Grants</legend>
            <p class="muted">
              Tables that it reads and writes over HTTP, and the most that it may grant to jobs.
            </p>
            <GrantsField form={grants} onForm={setGrants} wants={ALL} tables={[]} problem={problem} />
          </fieldset>
        )}
        {problem && <ProblemNote problem={problem} />}
        <footer class="actions">
          <button type="submit" class="primary">
            Make the token
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function MadeDialog({ made, onClose }: { made: MadeToken; onClose: () => void }) {
  return (
    <Dialog title={`The token ${made.name}`} onClose={onClose} class="narrow">
      <p>Copy it now: it is not shown again.</p>
      <pre class="token" tabIndex={0}>
        {made.token}
      </pre>
      <footer class="actions">
        <button
          type="button"
          class="primary"
          onClick={() =>
            void attempt(() => navigator.clipboard.writeText(made.token), "The token is copied.")
          }
        >
          <Icon name="copy" /> Copy
        </button>
      </footer>
    </Dialog>
  );
}
