/** Who is told when a job fails, recovers, or is late. */

import type { Problem } from "../api/client.ts";
import { NOTICES, type NotifyForm } from "../model/specification.ts";
import { TextField } from "./field.tsx";

const WORDS: Record<string, string> = {
  failure: "it begins to fail",
  recovery: "it works again",
  late: "it is late, or was missed",
};

interface NotifyFieldProps {
  form: NotifyForm;
  onForm: (form: NotifyForm) => void;
  problem?: Problem;
}

export function NotifyField({ form, onForm, problem }: NotifyFieldProps) {
  const change = (part: Partial<NotifyForm>) => onForm({ ...form, ...part });
  const error = (name: string) => problem?.at(`/notify/${name}`);
  const toggle = (kind: string) =>
    change({ on: form.on.includes(kind) ? form.on.filter((one) => one !== kind) : [...form.on, kind] });
  return (
    <>
      <div class="grid-fields">
        <TextField
          label="Mail to"
          placeholder="ops@example.com"
          value={form.email}
          onValue={(email) => change({ email })}
          error={error("email")}
        />
        <TextField
          label="Webhook"
          placeholder="https://example.com/hook"
          value={form.webhook}
          onValue={(webhook) => change({ webhook })}
          error={error("webhook")}
        />
        <TextField
          label="Signed with the secret"
          value={form.secret}
          onValue={(secret) => change({ secret })}
          error={error("secret")}
          hint="The name of a secret, not the secret itself"
        />
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={form.private}
          onChange={(event) => change({ private: event.currentTarget.checked })}
        />{" "}
        The webhook may lead to a private address, such as one of this network
      </label>
      <fieldset class="checks">
        <legend>Told when</legend>
        {NOTICES.map((kind) => (
          <label key={kind} class="check">
            <input type="checkbox" checked={form.on.includes(kind)} onChange={() => toggle(kind)} />{" "}
            {WORDS[kind]}
          </label>
        ))}
      </fieldset>
    </>
  );
}
