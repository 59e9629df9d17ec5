/** Which secrets there are. A value is set here and never shown again. */

import { useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { addSecret, deleteSecret, listSecrets, setSecret } from "../api/secrets.ts";
import type { Secret } from "../api/types.ts";
import { attempt, notify } from "../live/notice.ts";
import { usePages } from "../live/pages.ts";
import { problemOf } from "../live/resource.ts";
import { Confirm, Dialog } from "../part/dialog.tsx";
import { Field, TextField } from "../part/field.tsx";
import { Icon } from "../part/icon.tsx";
import { Empty, ProblemNote } from "../part/message.tsx";
import { Paged } from "../part/paged.tsx";
import { TableBox } from "../part/table-box.tsx";
import { Day } from "../part/time.tsx";

const PAGE = 200;

type Asks = { kind: "set"; name: string | undefined } | { kind: "delete"; name: string };

export function SecretsPage() {
  const secrets = usePages("secrets", PAGE, listSecrets);
  const [asks, setAsks] = useState<Asks>();
  const close = () => setAsks(undefined);
  const remove = async (name: string) => {
    close();
    await attempt(() => deleteSecret(name), `${name} is deleted.`);
    secrets.reload();
  };
  return (
    <>
      <header class="page-head">
        <h1>Secrets</h1>
        <button type="button" class="primary" onClick={() => setAsks({ kind: "set", name: undefined })}>
          <Icon name="plus" /> New secret
        </button>
      </header>
      <Paged
        pages={secrets}
        lines={4}
        empty={
          <Empty icon="secrets" title="No secrets yet">
            <p>
              A job that is granted a secret reads it by its name. Values are kept sealed, and are not shown
              again.
            </p>
          </Empty>
        }
      >
        {(items) => <SecretTable secrets={items} onAsk={setAsks} />}
      </Paged>
      {asks?.kind === "set" && (
        <SetSecret
          name={asks.name}
          onClose={close}
          onSet={() => {
            close();
            secrets.reload();
          }}
        />
      )}
      {asks?.kind === "delete" && (
        <Confirm
          title={`Delete the secret ${asks.name}?`}
          action="Delete the secret"
          onConfirm={() => void remove(asks.name)}
          onClose={close}
        >
          <p>Jobs that are granted it no longer find it, and its value cannot be had back.</p>
        </Confirm>
      )}
    </>
  );
}

function SecretTable({ secrets, onAsk }: { secrets: Secret[]; onAsk: (asks: Asks) => void }) {
  return (
    <TableBox label="Secrets" columns={["Name", "Made", "Value set"]} secondary={["Made"]} acts>
      {secrets.map(({ name, created_at, updated_at }) => (
        <tr key={name}>
          <th scope="row">
            <code>{name}</code>
          </th>
          <td class="secondary">
            <Day at={created_at} />
          </td>
          <td>
            <Day at={updated_at} />
          </td>
          <td class="acts">
            <button type="button" class="small" onClick={() => onAsk({ kind: "set", name })}>
              Set anew
            </button>
            <button
              type="button"
              class="plain icon-only"
              aria-label={`Delete the secret ${name}`}
              onClick={() => onAsk({ kind: "delete", name })}
            >
              <Icon name="trash" />
            </button>
          </td>
        </tr>
      ))}
    </TableBox>
  );
}

interface SetSecretProps {
  /** Undefined: a new one. */
  name: string | undefined;
  onSet: () => void;
  onClose: () => void;
}

function SetSecret({ name, onSet, onClose }: SetSecretProps) {
  const [fresh, setFresh] = useState("");
  const [value, setValue] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      await (name === undefined ? addSecret(fresh, value) : setSecret(name, value));
      notify("done", `${name ?? fresh} is set.`);
      onSet();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title={name === undefined ? "New secret" : `Set ${name} anew`} onClose={onClose} class="narrow">
      <form onSubmit={save}>
        {name === undefined && (
          <TextField
            label="Name"
            class="code"
            required
            maxLength={63}
            value={fresh}
            onValue={setFresh}
            hint="1 to 63 of A-Z, a-z, 0-9, _ and -"
          />
        )}
        <Field label="Value" hint="It is not shown again" error={problem?.at("/value")}>
          {(attributes) => (
            <input
              type="password"
              {...attributes}
              autocomplete="off"
              required
              value={value}
              onInput={(event) => setValue(event.currentTarget.value)}
            />
          )}
        </Field>
        {problem && !problem.at("/value") && <ProblemNote problem={problem} />}
        <footer class="actions">
          <button type="submit" class="primary">
            Set
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
