/** Tables and their rows. */

import { call, get, send, upload, url, type Progress, type Query } from "./client.ts";
import type { List, Row, RowPage, Table, TableIndex } from "./types.ts";

const path = (table: string) => `/tables/${encodeURIComponent(table)}`;
const rowPath = (table: string, id: string) => `${path(table)}/rows/${encodeURIComponent(id)}`;

export const listTables = (cursor: string | null, signal?: AbortSignal) =>
  get<List<Table>>("/tables", { limit: 200, cursor }, signal);

export const createTable = (table: string) => call<Table>("PUT", path(table), { body: {} });

export const getTable = (table: string, signal?: AbortSignal) => get<Table>(path(table), {}, signal);

/** The table has these indexes then, and no others. */
export const setIndexes = (table: string, indexes: TableIndex[]) =>
  call<Table>("PUT", path(table), {
    body: { indexes: indexes.map(({ fields, unique }) => ({ fields, unique })) },
  });

export const deleteTable = (table: string) => call<void>("DELETE", path(table));

/** `filter` has conditions as the URL takes them: `{done: "eq.true"}`. Members may come more than once. */
export function listRows(
  table: string,
  filter: [string, string][],
  order: string,
  cursor: string | null,
  limit: number,
  signal?: AbortSignal,
): Promise<RowPage> {
  const query: Query = { order, cursor, limit };
  const conditions = new URLSearchParams(filter).toString();
  const [base, parameters] = url(`${path(table)}/rows`, query).split("?");
  const whole = [conditions, parameters].filter(Boolean).join("&");
  return call<RowPage>("GET", `${base!.slice("/v1".length)}?${whole}`, {
    headers: { Prefer: "count=exact" },
    signal,
  });
}

export const addRow = (table: string, row: unknown) =>
  call<{ items: { id: string; version: number }[] }>("POST", `${path(table)}/rows`, { body: row });

/** Refused with 412 where the row has changed since it was read. */
export const putRow = (table: string, row: Row) =>
  call<Row>("PUT", rowPath(table, row.id), { body: row, headers: { "If-Match": `"${row.version}"` } });

export const deleteRow = (table: string, row: Row) =>
  call<void>("DELETE", rowPath(table, row.id), { headers: { "If-Match": `"${row.version}"` } });

export const exportUrl = (table: string) => url(`${path(table)}/export`);

/** All rows as CSV: what a link cannot ask for. */
export const exportCsv = async (table: string): Promise<Blob> =>
  (await send("GET", `${path(table)}/export`, { headers: { Accept: CSV } })).blob();

const CSV = "text/csv";

export const importRows = (
  table: string,
  file: File,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
) =>
  upload<{ imported: number }>(
    "POST",
    `${path(table)}/import`,
    file,
    /\.csv$/i.test(file.name) ? CSV : "application/x-ndjson",
    onProgress,
    signal,
  );
