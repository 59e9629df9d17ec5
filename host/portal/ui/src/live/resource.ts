/** Something that is read from the host, shown while it is read again, and kept through a failure to. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../api/client.ts";

export interface Resource<T> {
  value: T | undefined;
  /** Why the newest attempt to read it failed. */
  problem: Problem | undefined;
  isLoading: boolean;
  reload: () => void;
  /** Puts what a change has answered in its place. */
  set: (value: T) => void;
}

/** What `load` gives, read anew whenever `key` changes. */
export function useResource<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [state, setState] = useState<{ key: string; value?: T; problem?: Problem; isLoading: boolean }>({
    key,
    isLoading: true,
  });
  const latest = useRef(load);
  latest.current = load;
  const reading = useRef<AbortController>(undefined);

  const reload = useCallback(() => {
    reading.current?.abort();
    const controller = new AbortController();
    reading.current = controller;
    setState((before) => (before.key === key ? { ...before, isLoading: true } : { key, isLoading: true }));
    latest.current(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) setState({ key, value, isLoading: false });
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        setState((before) => ({ ...before, key, problem: problemOf(error), isLoading: false }));
      },
    );
  }, [key]);

  useEffect(() => {
    reload();
    return () => reading.current?.abort();
  }, [reload]);

  const set = useCallback((value: T) => setState({ key, value, isLoading: false }), [key]);
  // Between a change of the key and its effect, what is held belongs to another.
  const held = state.key === key ? state : { value: undefined, problem: undefined, isLoading: true };
  return { value: held.value, problem: held.problem, isLoading: held.isLoading, reload, set };
}

export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, "unexpected", error instanceof Error ? error.message : String(error));
}
