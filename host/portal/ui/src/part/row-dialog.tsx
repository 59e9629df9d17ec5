/** One row, to be read, changed, added or deleted. */

import { useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { addRow, deleteRow, putRow } from "../api/tables.ts";
import type { Row } from "../api/types.ts";
import { problemOf } from "../live/resource.ts";
import { parseJson } from "../model/json.ts";
import { Dialog } from "./dialog.tsx";
import { Field, TextField } from "./field.tsx";
import { FullTime } from "./time.tsx";

interface RowDialogProps {
  table: string;
  /** Undefined: a new one. */
  row: Row | undefined;
  onChanged: () => void;
  onClose: () => void;
}

function fieldsOf(row: Row | undefined): string {
  if (!row) return "{\n  \n}";
  const { id: _i, version: _v, created_at: _c, updated_at: _u, ...fields } = row;
  return JSON.stringify(fields, null, 2);
}

export function RowDialog({ table, row, onChanged, onClose }: RowDialogProps) {
  const [id, setId] = useState("");
  const [text, setText] = useState(() => fieldsOf(row));
  const [problem, setProblem] = useState<Problem>();

  const act = async (work: () => Promise<unknown>) => {
    setProblem(undefined);
    try {
      await work();
      onChanged();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const save = (event: Event) => {
    event.preventDefault();
    void act(async () => {
      const fields = parseJson(text) as Record<string, unknown>;
      if (row)
        return putRow(table, {
          ...fields,
          id: row.id,
          version: row.version,
          created_at: row.created_at,
          updated_at: row.updated_at,
        });
      return addRow(table, id ? { ...fields, id } : fields);
    });
  };
  return (
    <Dialog title={row ? row.id : "Add a row"} onClose={onClose}>
      <form onSubmit={save}>
        {row ? (
          <p class="muted">
            Version {row.version}, made <FullTime at={row.created_at} />, changed{" "}
            <FullTime at={row.updated_at} />
          </p>
        ) : (
          <TextField
            label="Id"
            class="code"
            value={id}
            onValue={setId}
            hint="One is made where this is empty"
          />
        )}
        <Field label="Members" error={problem?.message} hint="A JSON object">
          {(attributes) => (
            <textarea
              {...attributes}
              class="code"
              rows={14}
              spellcheck={false}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          )}
        </Field>
        <footer class="actions">
          {row && (
            <button type="button" class="danger" onClick={() => void act(() => deleteRow(table, row))}>
              Delete the row
            </button>
          )}
          <span class="spring" />
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary">
            {row ? "Save" : "Add"}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
