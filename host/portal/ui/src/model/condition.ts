/** Conditions on rows, as a form holds them and as the URL takes them. */

export const OPERATORS = [
  ["eq", "is"],
  ["neq", "is not"],
  ["lt", "<"],
  ["lte", "≤"],
  ["gt", ">"],
  ["gte", "≥"],
  ["starts_with", "begins with"],
  ["exists", "exists"],
] as const;

export interface Condition {
  field: string;
  operator: string;
  value: string;
}

/** Members that mean something else in the URL, in quotes. */
const RESERVED = new Set(["order", "limit", "cursor", "or"]);

const member = (field: string) => (RESERVED.has(field) ? `"${field}"` : field);

export const toParameters = (conditions: Condition[]): [string, string][] =>
  conditions
    .filter(({ field }) => field.trim() !== "")
    .map(({ field, operator, value }) => [
      member(field.trim()),
      `${operator}.${operator === "exists" ? value || "true" : value}`,
    ]);

export type Sort = { field: string; isDescending: boolean } | undefined;

export const toOrder = (sort: Sort): string =>
  sort ? `${member(sort.field)}.${sort.isDescending ? "desc" : "asc"}` : "";

/** Unsorted, up, down, unsorted. */
export function nextSort(sort: Sort, field: string): Sort {
  if (sort?.field !== field) return { field, isDescending: false };
  return sort.isDescending ? undefined : { field, isDescending: true };
}
