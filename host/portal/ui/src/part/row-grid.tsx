/** Rows and their members; a click on a head sorts, one on a row opens it. */

import type { Row } from "../api/types.ts";
import { cell, type Column } from "../model/columns.ts";
import type { Sort } from "../model/condition.ts";
import { Time } from "./time.tsx";

interface RowGridProps {
  rows: Row[];
  columns: Column[];
  sort: Sort;
  onSort: (field: string) => void;
  onRow: (row: Row) => void;
}

export function RowGrid({ rows, columns, sort, onSort, onRow }: RowGridProps) {
  const head = (field: string, isNumber = false) => {
    const direction = sort?.field === field ? (sort.isDescending ? "descending" : "ascending") : "none";
    return (
      <th key={field} scope="col" class={isNumber ? "number" : ""} aria-sort={direction}>
        <button type="button" class="plain" onClick={() => onSort(field)}>
          {field}
          <span aria-hidden="true">
            {direction === "none" ? "" : direction === "ascending" ? " ↑" : " ↓"}
          </span>
        </button>
      </th>
    );
  };
  return (
    <div class="table-box tall" tabIndex={0} role="region" aria-label="Rows">
      <table class="rows">
        <thead>
          <tr>
            {head("id")}
            {columns.map((column) => head(column.name, column.kinds[0] === "number"))}
            {head("updated_at")}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} class="link-row" onClick={() => !getSelection()?.toString() && onRow(row)}>
              <th scope="row">
                <button type="button" class="link" onClick={() => onRow(row)}>
                  {row.id}
                </button>
              </th>
              {columns.map(({ name, kinds }) => (
                <td key={name} class={kinds[0] === "number" ? "number" : ""} title={cell(row[name])}>
                  {row[name] === undefined ? <span class="muted">–</span> : cell(row[name])}
                </td>
              ))}
              <td>
                <Time at={row.updated_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
