/** Which tables there are. */

import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { createTable, listTables } from "../api/tables.ts";
import { usePages } from "../live/pages.ts";
import { problemOf } from "../live/resource.ts";
import { Dialog } from "../part/dialog.tsx";
import { TextField } from "../part/field.tsx";
import { Icon } from "../part/icon.tsx";
import { ImportDialog } from "../part/import-dialog.tsx";
import { Empty } from "../part/message.tsx";
import { Paged } from "../part/paged.tsx";
import { TableBox } from "../part/table-box.tsx";
import { Day } from "../part/time.tsx";

const PAGE = 200;

export function TablesPage() {
  const { route } = useLocation();
  const tables = usePages("tables", PAGE, (cursor, _, signal) => listTables(cursor, signal));
  const [asks, setAsks] = useState<"create" | "import">();
  const actions = (
    <div class="actions">
      <button type="button" onClick={() => setAsks("import")}>
        Import
      </button>
      <button type="button" class="primary" onClick={() => setAsks("create")}>
        <Icon name="plus" /> New table
      </button>
    </div>
  );
  return (
    <>
      <header class="page-head">
        <h1>Tables</h1>
        {actions}
      </header>
      <Paged
        pages={tables}
        lines={5}
        empty={
          <Empty icon="tables" title="No tables yet">
            <p>
              A table comes to exist with its first row: one that a job inserts, that you import, or that you
              add here.
            </p>
          </Empty>
        }
      >
        {(items) => (
          <TableBox label="Tables" columns={["Table", "Indexes", "Made"]}>
            {items.map(({ name, indexes, created_at }) => (
              <tr key={name}>
                <th scope="row">
                  <a href={`/tables/${name}`}>{name}</a>
                </th>
                <td>
                  {indexes.length === 0 && <span class="muted">none</span>}
                  {indexes.map(({ fields }) => (
                    <code key={fields.join()} class="import">
                      {fields.join(", ")}
                    </code>
                  ))}
                </td>
                <td>
                  <Day at={created_at} />
                </td>
              </tr>
            ))}
          </TableBox>
        )}
      </Paged>
      {asks === "create" && (
        <CreateTable onClose={() => setAsks(undefined)} onTable={(table) => route(`/tables/${table}`)} />
      )}
      {asks === "import" && (
        <ImportDialog onClose={() => setAsks(undefined)} onImported={(table) => route(`/tables/${table}`)} />
      )}
    </>
  );
}

function CreateTable({ onClose, onTable }: { onClose: () => void; onTable: (table: string) => void }) {
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const create = async (event: Event) => {
    event.preventDefault();
    try {
      onTable((await createTable(name)).name);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <Dialog title="New table" onClose={onClose} class="narrow">
      <form onSubmit={create}>
        <TextField
          label="Name"
          class="code"
          required
          maxLength={63}
          value={name}
          onValue={setName}
          error={problem?.message}
          hint="1 to 63 of a-z, 0-9, _ and -"
        />
        <footer class="actions">
          <button type="submit" class="primary">
            Create
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
