/** What a job may touch. */

import { useId } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import type { Access } from "../api/types.ts";
import type { GrantsForm, Wants } from "../model/grants.ts";
import { TextField } from "./field.tsx";
import { Icon } from "./icon.tsx";

const ACCESS = [
  ["read-write", "read and write"],
  ["read", "read"],
  ["write", "write"],
] as const;

interface GrantsFieldProps {
  form: GrantsForm;
  onForm: (form: GrantsForm) => void;
  /** What the component imports; what it does not import is not asked about. Undefined: unknown. */
  wants: Wants | undefined;
  /** Names to choose from. */
  tables: string[];
  problem?: Problem;
}

export function GrantsField({ form, onForm, wants, tables, problem }: GrantsFieldProps) {
  const change = (part: Partial<GrantsForm>) => onForm({ ...form, ...part });
  const error = (name: string) => problem?.at(`/grants/${name}`);
  const { hosts, privateHosts, secrets, recipients } = form;
  const asks = {
    tables: wants?.tables || form.tables.length > 0 || !wants,
    email: wants?.email || recipients !== "" || !wants,
    http: wants?.http || hosts !== "" || privateHosts !== "",
    secrets: wants?.secrets || secrets !== "",
  };
  if (!Object.values(asks).some(Boolean)) {
    return <p class="muted">It imports nothing that needs a grant: it computes, logs, and returns.</p>;
  }
  return (
    <div class="grants">
      {asks.tables && <TableGrants form={form} onForm={onForm} tables={tables} error={error("tables")} />}
      {asks.email && (
        <div class="grid-fields">
          <TextField
            label="May mail to"
            placeholder="ops@example.com"
            value={recipients}
            onValue={(text) => change({ recipients: text })}
            error={error("email/to") ?? error("email")}
            hint="Addresses in full, or *@ and a domain; empty: its mail is denied"
          />
          <TextField
            label="Mails in a run"
            placeholder="20"
            inputMode="numeric"
            value={form.perRun}
            onValue={(perRun) => change({ perRun })}
            error={error("email/per_run")}
          />
          <TextField
            label="Mails in a day"
            placeholder="500"
            inputMode="numeric"
            value={form.perDay}
            onValue={(perDay) => change({ perDay })}
            error={error("email/per_day")}
          />
        </div>
      )}
      {asks.http && (
        <div class="grid-fields">
          <TextField
            label="May call hosts"
            placeholder="api.example.com, *.example.org:8443"
            value={hosts}
            onValue={(text) => change({ hosts: text })}
            error={error("http")}
            hint="Names, with a port where it is not 443 or 80; empty: its requests are denied"
          />
          <TextField
            label="May call hosts of private networks"
            placeholder="nas.lan:8080"
            value={privateHosts}
            onValue={(text) => change({ privateHosts: text })}
          />
        </div>
      )}
      {asks.secrets && (
        <TextField
          label="May read secrets"
          placeholder="API_KEY"
          value={secrets}
          onValue={(text) => change({ secrets: text })}
          error={error("secrets")}
          hint="Names, apart by commas"
        />
      )}
    </div>
  );
}

interface TableGrantsProps {
  form: GrantsForm;
  onForm: (form: GrantsForm) => void;
  tables: string[];
  error?: string;
}

function TableGrants({ form, onForm, tables, error }: TableGrantsProps) {
  const list = useId();
  const set = (next: GrantsForm["tables"]) => onForm({ ...form, tables: next });
  const change = (at: number, part: Partial<{ name: string; access: Access }>) =>
    set(form.tables.map((grant, other) => (other === at ? { ...grant, ...part } : grant)));
  return (
    <fieldset class="table-grants">
      <legend>Tables</legend>
      <datalist id={list}>
        {tables.map((table) => (
          <option key={table} value={table} />
        ))}
      </datalist>
      {form.tables.map(({ name, access }, at) => (
        <div key={at} class="table-grant">
          <input
            type="text"
            aria-label={`Table ${at + 1}`}
            aria-invalid={error?.includes(`\`${name}\``) ? true : undefined}
            placeholder="its name"
            list={list}
            value={name}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => change(at, { name: event.currentTarget.value })}
          />
          <select
            aria-label={`Access to table ${at + 1}`}
            value={access}
            onChange={(event) => change(at, { access: event.currentTarget.value as Access })}
          >
            {ACCESS.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
          <button
            type="button"
            class="plain icon-only"
            aria-label={`Remove table ${at + 1}`}
            onClick={() => set(form.tables.filter((_, other) => other !== at))}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <button
        type="button"
        class="small"
        onClick={() => set([...form.tables, { name: "", access: "read-write" }])}
      >
        <Icon name="plus" /> Add a table
      </button>
      <p class={error ? "error" : "hint"}>
        {error ??
          "One that is not there yet is made with its first row. Without any, calls into tables are denied."}
      </p>
    </fieldset>
  );
}
