/** A table's rows as a grid. */

import { useLocation, useRoute } from "preact-iso";
import { useMemo, useState } from "preact/hooks";
import { deleteTable, exportCsv, exportUrl, listRows } from "../api/tables.ts";
import type { Row } from "../api/types.ts";
import { plural } from "../format/amount.ts";
import { attempt } from "../live/notice.ts";
import { useResource } from "../live/resource.ts";
import { columnsOf, type Column } from "../model/columns.ts";
import { toOrder, toParameters, nextSort, type Condition, type Sort } from "../model/condition.ts";
import { Conditions } from "../part/conditions.tsx";
import { Confirm } from "../part/dialog.tsx";
import { Icon } from "../part/icon.tsx";
import { Indexes } from "../part/indexes.tsx";
import { ImportDialog } from "../part/import-dialog.tsx";
import { Empty, Loading, ProblemNote } from "../part/message.tsx";
import { RowDialog } from "../part/row-dialog.tsx";
import { RowGrid } from "../part/row-grid.tsx";

const PAGE = 100;

export function TablePage() {
  const { name = "" } = useRoute().params as { name: string };
  return <TableRows key={name} name={name} />;
}

type Asks = { kind: "import" } | { kind: "delete" } | { kind: "row"; row: Row | undefined };

function TableRows({ name }: { name: string }) {
  const { route } = useLocation();
  const [conditions, setConditions] = useState<Condition[]>([]);
  const [sort, setSort] = useState<Sort>();
  /** The cursors of the pages before this one, and its own. */
  const [cursors, setCursors] = useState<(string | null)[]>([null]);
  const [asks, setAsks] = useState<Asks>();
  const cursor = cursors[cursors.length - 1]!;
  const parameters = toParameters(conditions);
  const key = JSON.stringify([name, parameters, sort, cursor]);
  const page = useResource(key, (signal) => listRows(name, parameters, toOrder(sort), cursor, PAGE, signal));
  const columns = useMemo(() => columnsOf(page.value?.items ?? []), [page.value]);

  const first = () => setCursors([null]);
  const close = () => setAsks(undefined);
  const changed = () => {
    close();
    page.reload();
  };
  const remove = async () => {
    close();
    const done = await attempt(async () => {
      await deleteTable(name);
      return true;
    }, `${name} is deleted.`);
    if (done) route("/tables");
  };
  const saveCsv = async () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await exportCsv(name));
    link.download = `${name}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const from = (cursors.length - 1) * PAGE;
  const rows = page.value?.items;
  return (
    <>
      <header class="page-head">
        <h1>{name}</h1>
        <div class="actions">
          <a class="button" href={exportUrl(name)} download={`${name}.ndjson`}>
            Export NDJSON
          </a>
          <button type="button" onClick={() => void attempt(saveCsv)}>
            Export CSV
          </button>
          <button type="button" onClick={() => setAsks({ kind: "import" })}>
            Import
          </button>
          <button type="button" class="primary" onClick={() => setAsks({ kind: "row", row: undefined })}>
            <Icon name="plus" /> Add a row
          </button>
          <button
            type="button"
            class="plain icon-only"
            aria-label={`Delete the table ${name}`}
            title="Delete the table"
            onClick={() => setAsks({ kind: "delete" })}
          >
            <Icon name="trash" />
          </button>
        </div>
      </header>
      <Conditions
        fields={["id", ...columns.map((column) => column.name), "created_at", "updated_at"]}
        conditions={conditions}
        onConditions={(next) => {
          setConditions(next);
          first();
        }}
      />
      {page.problem && <ProblemNote problem={page.problem} retry={page.reload} />}
      {!rows && !page.problem && <Loading lines={8} />}
      {rows?.length === 0 && (
        <Empty icon="tables" title={conditions.length > 0 ? "No row matches" : "No rows"}>
          {conditions.length === 0 && <p>Add one, import a file, or let a job write here.</p>}
        </Empty>
      )}
      {rows && rows.length > 0 && (
        <RowGrid
          rows={rows}
          columns={columns}
          sort={sort}
          onSort={(field) => {
            setSort(nextSort(sort, field));
            first();
          }}
          onRow={(row) => setAsks({ kind: "row", row })}
        />
      )}
      {page.value && (
        <footer class="pager">
          <span class="muted" aria-live="polite">
            {rows!.length > 0 && `${from + 1} – ${from + rows!.length} of `}
            {plural(page.value.count ?? from + rows!.length, "row")}
          </span>
          <button
            type="button"
            class="small"
            disabled={cursors.length === 1}
            onClick={() => setCursors(cursors.slice(0, -1))}
          >
            Previous
          </button>
          <button
            type="button"
            class="small"
            disabled={page.value.next === null}
            onClick={() => setCursors([...cursors, page.value!.next])}
          >
            Next
          </button>
        </footer>
      )}
      {rows && rows.length > 0 && <Schema columns={columns} count={rows.length} />}
      <Indexes table={name} />
      {asks?.kind === "import" && <ImportDialog table={name} onClose={close} onImported={changed} />}
      {asks?.kind === "row" && <RowDialog table={name} row={asks.row} onClose={close} onChanged={changed} />}
      {asks?.kind === "delete" && (
        <Confirm
          title={`Delete the table ${name}?`}
          action="Delete the table"
          onConfirm={remove}
          onClose={close}
        >
          <p>All of its rows go with it. An export is the way to have them later.</p>
        </Confirm>
      )}
    </>
  );
}

function Schema({ columns, count }: { columns: Column[]; count: number }) {
  return (
    <details class="more card">
      <summary>Schema: the members of the {plural(count, "row")} above</summary>
      <dl class="schema">
        {columns.map((column) => (
          <div key={column.name}>
            <dt>{column.name}</dt>
            <dd>
              {column.kinds.join(" or ")}
              {column.count < count && <span class="muted">, in {column.count} of them</span>}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
