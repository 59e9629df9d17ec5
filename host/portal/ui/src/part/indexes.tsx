/** A table's indexes: which there are, how far they are built, and declaring or dropping one. */

import { useEffect, useState } from "preact/hooks";
import { getTable, setIndexes } from "../api/tables.ts";
import type { TableIndex } from "../api/types.ts";
import { plural } from "../format/amount.ts";
import { attempt } from "../live/notice.ts";
import { useResource } from "../live/resource.ts";
import { TextField } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { ProblemNote } from "./message.tsx";

/** Between two looks at an index that is being built. */
const LOOK_EVERY_MS = 1000;

export function Indexes({ table }: { table: string }) {
  const document = useResource(`table ${table}`, (signal) => getTable(table, signal));
  const [fields, setFields] = useState("");
  const [isUnique, setUnique] = useState(false);
  const indexes = document.value?.indexes ?? [];
  const isBuilding = indexes.some((index) => index.state === "building");
  const { reload } = document;
  useEffect(() => {
    if (!isBuilding) return;
    const timer = setInterval(reload, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [isBuilding, reload]);

  const put = async (wanted: TableIndex[], done: string) => {
    const after = await attempt(() => setIndexes(table, wanted), done);
    if (after) document.set(after);
    return after !== undefined;
  };
  const add = async (event: Event) => {
    event.preventDefault();
    const named = fields
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);
    const name = named.join(",");
    const others = indexes.filter((index) => index.fields.join(",") !== name);
    const done = await put(
      [...others, { fields: named, unique: isUnique }],
      `The index ${name} is declared.`,
    );
    if (done) setFields("");
  };
  return (
    <details class="more card">
      <summary>{indexes.length === 0 ? "Indexes: none" : plural(indexes.length, "index", "indexes")}</summary>
      {document.problem && <ProblemNote problem={document.problem} retry={reload} />}
      {indexes.length > 0 && (
        <dl class="schema indexes">
          {indexes.map((index) => {
            const name = index.fields.join(",");
            const rest = indexes.filter((other) => other !== index);
            return (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  {index.unique && "unique, "}
                  {stateOf(index)}{" "}
                  <button
                    type="button"
                    class="plain icon-only"
                    aria-label={`Drop the index ${name}`}
                    title="Drop the index"
                    onClick={() => void put(rest, `The index ${name} is dropped.`)}
                  >
                    <Icon name="trash" />
                  </button>
                </dd>
              </div>
            );
          })}
        </dl>
      )}
      <form class="new-index" onSubmit={(event) => void add(event)}>
        <TextField
          label="New index on"
          value={fields}
          onValue={setFields}
          placeholder="status,created_at"
          hint="Members of the rows, the one that conditions hold fast first."
        />
        <label class="check">
          <input type="checkbox" checked={isUnique} onChange={() => setUnique(!isUnique)} /> No two rows have
          the same values
        </label>
        <button type="submit" class="small" disabled={fields.trim() === ""}>
          Declare
        </button>
      </form>
    </details>
  );
}

function stateOf({ state, rows, reason }: TableIndex): string {
  if (state === "building") return `being built, ${plural(rows ?? 0, "row")} so far`;
  return reason ? `failed: ${reason}` : (state ?? "");
}
