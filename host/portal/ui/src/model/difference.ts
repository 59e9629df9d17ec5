/** What differs between two specifications, member by member. */

export interface Difference {
  /** `policy.retry.max_attempts` */
  path: string;
  /** Undefined: the member is not there. */
  before: string | undefined;
  after: string | undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function members(value: unknown, path: string, into: Map<string, string>): void {
  if (isObject(value)) {
    for (const [name, member] of Object.entries(value))
      members(member, path ? `${path}.${name}` : name, into);
  } else if (value !== undefined) {
    into.set(path, typeof value === "string" ? value : JSON.stringify(value));
  }
}

export function difference(before: unknown, after: unknown): Difference[] {
  const [old, fresh] = [new Map<string, string>(), new Map<string, string>()];
  members(before, "", old);
  members(after, "", fresh);
  const paths = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return paths
    .map((path) => ({ path, before: old.get(path), after: fresh.get(path) }))
    .filter((change) => change.before !== change.after);
}
