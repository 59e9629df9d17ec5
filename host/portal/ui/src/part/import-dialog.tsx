/** Rows from a file into a table. */

import { useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { importRows } from "../api/tables.ts";
import { plural } from "../format/amount.ts";
import { notify } from "../live/notice.ts";
import { problemOf } from "../live/resource.ts";
import { Dialog } from "./dialog.tsx";
import { Field, TextField } from "./field.tsx";
import { ProblemNote } from "./message.tsx";
import { ProgressBar } from "./meter.tsx";

interface ImportDialogProps {
  /** Undefined: it is asked for. */
  table?: string;
  onImported: (table: string) => void;
  onClose: () => void;
}

export function ImportDialog({ table, onImported, onClose }: ImportDialogProps) {
  const [name, setName] = useState(table ?? "");
  const [file, setFile] = useState<File>();
  const [part, setPart] = useState<number>();
  const [problem, setProblem] = useState<Problem>();
  const [controller] = useState(() => new AbortController());

  const send = async (event: Event) => {
    event.preventDefault();
    if (!file) return;
    setProblem(undefined);
    setPart(0);
    try {
      const { imported } = await importRows(
        name,
        file,
        ({ sent, total }) => setPart(total > 0 ? sent / total : 0),
        controller.signal,
      );
      notify("done", `${plural(imported, "row")} into ${name}.`);
      onImported(name);
    } catch (error) {
      if (!controller.signal.aborted) setProblem(problemOf(error));
      setPart(undefined);
    }
  };
  return (
    <Dialog
      title="Import rows"
      onClose={() => {
        controller.abort();
        onClose();
      }}
    >
      <form onSubmit={send}>
        {table === undefined && (
          <TextField
            label="Table"
            class="code"
            required
            maxLength={63}
            value={name}
            onValue={setName}
            hint="It is made where there is none"
          />
        )}
        <Field
          label="File"
          hint="CSV with a head, or NDJSON with an object on each line. A row whose id is there already is replaced."
        >
          {(attributes) => (
            <input
              type="file"
              {...attributes}
              required
              accept=".csv,.ndjson,.jsonl,.json"
              onChange={(event) => setFile(event.currentTarget.files?.[0])}
            />
          )}
        </Field>
        {part !== undefined && <ProgressBar label="Sending the rows" part={part} />}
        {problem && <ProblemNote problem={problem} />}
        <footer class="actions">
          <button type="submit" class="primary" disabled={!file || !name || part !== undefined}>
            {part === undefined ? "Import" : "Importing …"}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
