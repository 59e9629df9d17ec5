/** What the rows of a page have in common: tables have no schema but their rows. */

import type { Row } from "../api/types.ts";

export interface Column {
  name: string;
  /** Rows that have it. */
  count: number;
  /** Kinds of its values, the most frequent first. */
  kinds: string[];
}

const OWN = ["id", "version", "created_at", "updated_at"];

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "string")
    return /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value) ? "instant" : "text";
  return typeof value;
}

export function columnsOf(rows: Row[]): Column[] {
  const found = new Map<string, Map<string, number>>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row)) {
      if (OWN.includes(name)) continue;
      const kinds = found.get(name) ?? new Map<string, number>();
      found.set(name, kinds.set(kindOf(value), (kinds.get(kindOf(value)) ?? 0) + 1));
    }
  }
  return [...found].map(([name, kinds]) => ({
    name,
    count: [...kinds.values()].reduce((sum, one) => sum + one, 0),
    kinds: [...kinds].sort((a, b) => b[1] - a[1]).map(([kind]) => kind),
  }));
}

/** A value as a cell shows it. */
export const cell = (value: unknown): string =>
  value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
