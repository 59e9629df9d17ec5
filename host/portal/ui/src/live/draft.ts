/**
 * What was typed in a form outlives the form: neither a session that ends meanwhile nor a click on another page
 * loses it. It is held until it was sent, is begun anew, or the tab is closed.
 */

import { useCallback, useState } from "preact/hooks";

const drafts = new Map<string, unknown>();

/** Another person may sign in next. */
export function forgetDrafts(): void {
  drafts.clear();
}

export interface Draft<T> {
  value: T;
  /** Whether there is anything that another form would not begin with. */
  isKept: boolean;
  /** What is known only then follows from what there is then. */
  change: (part: Partial<T> | ((before: T) => Partial<T>)) => void;
  /** Begins anew, with `fresh` or as the first time. */
  restart: (fresh?: T) => void;
}

export function useDraft<T extends object>(key: string, begin: () => T): Draft<T> {
  const [value, setValue] = useState<T>(() => (drafts.get(key) as T | undefined) ?? begin());
  const change = useCallback(
    (part: Partial<T> | ((before: T) => Partial<T>)) =>
      setValue((before) => {
        const after = { ...before, ...(typeof part === "function" ? part(before) : part) };
        drafts.set(key, after);
        return after;
      }),
    [key],
  );
  const restart = (fresh = begin()) => {
    drafts.delete(key);
    setValue(fresh);
  };
  return { value, isKept: drafts.has(key), change, restart };
}
