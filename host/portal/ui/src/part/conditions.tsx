/** Which rows: conditions that all must hold. */

import { useId, useState } from "preact/hooks";
import { OPERATORS, type Condition } from "../model/condition.ts";
import { Icon } from "./icon.tsx";

interface ConditionsProps {
  fields: string[];
  conditions: Condition[];
  onConditions: (conditions: Condition[]) => void;
}

const EMPTY: Condition = { field: "", operator: "eq", value: "" };
const WORDS: Record<string, string> = Object.fromEntries(OPERATORS);

export function Conditions({ fields, conditions, onConditions }: ConditionsProps) {
  const list = useId();
  const [draft, setDraft] = useState(EMPTY);
  const change = (part: Partial<Condition>) => setDraft({ ...draft, ...part });
  const add = (event: Event) => {
    event.preventDefault();
    if (!draft.field.trim()) return;
    onConditions([...conditions, draft]);
    setDraft(EMPTY);
  };
  return (
    <form class="conditions" onSubmit={add}>
      {conditions.map((condition, at) => (
        <span key={at} class="chip">
          {condition.field} {WORDS[condition.operator]}{" "}
          {condition.operator === "exists" ? "" : condition.value}
          <button
            type="button"
            class="plain icon-only"
            aria-label={`Remove the condition on ${condition.field}`}
            onClick={() => onConditions(conditions.filter((_, other) => other !== at))}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
      <datalist id={list}>
        {fields.map((field) => (
          <option key={field} value={field} />
        ))}
      </datalist>
      <input
        type="text"
        aria-label="Member"
        placeholder="member"
        data-search
        list={list}
        value={draft.field}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => change({ field: event.currentTarget.value })}
      />
      <select
        aria-label="Operator"
        value={draft.operator}
        onChange={(event) => change({ operator: event.currentTarget.value })}
      >
        {OPERATORS.map(([operator, words]) => (
          <option key={operator} value={operator}>
            {words}
          </option>
        ))}
      </select>
      {draft.operator !== "exists" && (
        <input
          type="text"
          aria-label="Value"
          placeholder="value"
          value={draft.value}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => change({ value: event.currentTarget.value })}
        />
      )}
      <button type="submit" class="small" disabled={!draft.field.trim()}>
        Filter
      </button>
    </form>
  );
}
