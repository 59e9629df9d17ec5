/** The settings that a job reads: names and texts. */

import { Icon } from "./icon.tsx";

export type EnvForm = { name: string; value: string }[];

export const toEnv = (form: EnvForm): Record<string, string> =>
  Object.fromEntries(form.filter(({ name }) => name.trim()).map(({ name, value }) => [name.trim(), value]));

export const toEnvForm = (env: Record<string, string>): EnvForm =>
  Object.entries(env).map(([name, value]) => ({ name, value }));

export function EnvField({
  form,
  onForm,
  error,
}: {
  form: EnvForm;
  onForm: (form: EnvForm) => void;
  error?: string;
}) {
  const change = (at: number, part: Partial<EnvForm[number]>) =>
    onForm(form.map((entry, other) => (other === at ? { ...entry, ...part } : entry)));
  return (
    <div class="env">
      {form.map(({ name, value }, at) => (
        <div key={at} class="env-entry">
          <input
            type="text"
            class="code"
            aria-label={`Name of setting ${at + 1}`}
            placeholder="NAME"
            value={name}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => change(at, { name: event.currentTarget.value })}
          />
          <input
            type="text"
            class="code"
            aria-label={`Value of setting ${at + 1}`}
            placeholder="value"
            value={value}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => change(at, { value: event.currentTarget.value })}
          />
          <button
            type="button"
            class="plain icon-only"
            aria-label={`Remove setting ${at + 1}`}
            onClick={() => onForm(form.filter((_, other) => other !== at))}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
      <button type="button" class="small" onClick={() => onForm([...form, { name: "", value: "" }])}>
        <Icon name="plus" /> Add a setting
      </button>
      <p class={error ? "error" : "hint"}>
        {error ?? "The job reads them by name. They are not secret: whoever may read the job sees them."}
      </p>
    </div>
  );
}
