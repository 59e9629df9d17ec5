/** The limits of an attempt: their names in words, and the defaults of docs/limits.md. */

import { count } from "../format/amount.ts";

export interface LimitInfo {
  name: string;
  words: string;
  fallback: string;
  hint?: string;
}

export const LIMITS: LimitInfo[] = [
  { name: "fuel", words: "Fuel", fallback: "10,000,000,000", hint: "About one unit an instruction" },
  { name: "memory", words: "Memory", fallback: "64MiB" },
  { name: "host_calls", words: "Calls into the host", fallback: "1,000,000" },
  { name: "log", words: "Log", fallback: "1MiB" },
  { name: "result", words: "Result", fallback: "64KiB" },
  { name: "call", words: "Bytes in one call", fallback: "8MiB" },
  { name: "rows_scanned", words: "Rows scanned", fallback: "1,000,000" },
  { name: "rows_tracked", words: "Rows tracked for conflicts", fallback: "100,000" },
  { name: "handles", words: "Handles held", fallback: "1,000" },
  { name: "table_elements", words: "Table elements", fallback: "20,000" },
];

/** A number as people write long ones. */
const PLAIN = /^\d[\d,_\s]*$/;

/** As a field shows a limit: `10,000,000,000`, `64MiB`. */
export const limitText = (value: number | string | undefined): string =>
  typeof value === "number" ? count(value) : (value ?? "");

/** Numbers as numbers, sizes as text; what is not filled in is left out. */
export function toLimits(form: Record<string, string>): Record<string, number | string> {
  const filled = Object.entries(form).filter(([, text]) => text.trim() !== "");
  return Object.fromEntries(
    filled.map(([name, text]) => [
      name,
      PLAIN.test(text.trim()) ? Number(text.replace(/[,_\s]/g, "")) : text.trim(),
    ]),
  );
}
