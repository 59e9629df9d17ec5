/** Parts of forms. An error stands under its field, and the field keeps what was typed. */

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useId } from "preact/hooks";
import type { Problem } from "../api/client.ts";

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string;
  /** What is said of it takes the room beside it, too. */
  isWide?: boolean;
  class?: string;
  children: (attributes: {
    id: string;
    "aria-describedby"?: string;
    "aria-invalid"?: boolean;
  }) => ComponentChildren;
}

export function Field({ label, hint, error, isWide, class: name = "", children }: FieldProps) {
  const id = useId();
  const about = error || hint ? `${id}-about` : undefined;
  return (
    <div class={`field ${isWide ? "wide" : ""} ${name}`}>
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": about, "aria-invalid": error ? true : undefined })}
      {about && (
        <p id={about} class={error ? "error" : "hint"}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

/** Brings what was refused into sight: a long form may have it far above the button. */
export function useFaultInSight(form: RefObject<HTMLFormElement | null>, problem: Problem | undefined): void {
  useEffect(() => {
    if (!problem) return;
    const fault = form.current?.querySelector<HTMLElement>('[aria-invalid="true"], .note.bad');
    const fold = fault?.closest("details");
    if (fold) fold.open = true;
    fault?.scrollIntoView({ block: "center" });
    fault?.focus({ preventScroll: true });
  }, [problem]);
}

interface TextFieldProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  hint?: ComponentChildren;
  error?: string;
  isWide?: boolean;
  class?: string;
  placeholder?: string;
  inputMode?: "numeric";
  /** The id of a `datalist`. */
  list?: string;
  required?: boolean;
  maxLength?: number;
}

export function TextField({ label, value, onValue, hint, error, isWide, ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error} isWide={isWide}>
      {(attributes) => (
        <input
          type="text"
          autocomplete="off"
          spellcheck={false}
          {...rest}
          {...attributes}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface SelectProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  choices: readonly (readonly [value: string, words: string])[];
  hint?: ComponentChildren;
  error?: string;
}

export function SelectField({ label, value, onValue, choices, hint, error }: SelectProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {choices.map(([choice, words]) => (
            <option key={choice} value={choice}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface SegmentedProps<T extends string> {
  legend: string;
  value: T;
  onValue: (value: T) => void;
  choices: readonly (readonly [value: T, words: ComponentChildren])[];
}

/** One of a few, all in sight. */
export function Segmented<T extends string>({ legend, value, onValue, choices }: SegmentedProps<T>) {
  const name = useId();
  return (
    <fieldset class="segmented">
      <legend class="visually-hidden">{legend}</legend>
      {choices.map(([choice, words]) => (
        <label key={choice} class={choice === value ? "chosen" : ""}>
          <input type="radio" name={name} checked={choice === value} onChange={() => onValue(choice)} />
          {words}
        </label>
      ))}
    </fieldset>
  );
}
