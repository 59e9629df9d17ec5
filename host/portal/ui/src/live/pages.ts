/** A list of the host's, read a page at a time. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import type { List } from "../api/types.ts";
import { problemOf } from "./resource.ts";

export interface Pages<T> {
  items: T[] | undefined;
  problem: Problem | undefined;
  isLoading: boolean;
  /** Undefined where there is no more. */
  more: (() => void) | undefined;
  /** Reads as many items again as are shown. */
  reload: () => void;
}

interface State<T> {
  key: string;
  items?: T[];
  next: string | null;
  problem?: Problem;
  isLoading: boolean;
}

const LIMIT_MAX = 1000;

export function usePages<T>(
  key: string,
  limit: number,
  load: (cursor: string | null, limit: number, signal: AbortSignal) => Promise<List<T>>,
): Pages<T> {
  const [state, setState] = useState<State<T>>({ key, next: null, isLoading: true });
  const latest = useRef({ load, state });
  latest.current = { load, state };
  const reading = useRef<AbortController>(undefined);

  const read = useCallback(
    (cursor: string | null, count: number) => {
      reading.current?.abort();
      const controller = new AbortController();
      reading.current = controller;
      setState((before) =>
        before.key === key ? { ...before, isLoading: true } : { key, next: null, isLoading: true },
      );
      latest.current.load(cursor, count, controller.signal).then(
        ({ items, next }) => {
          if (controller.signal.aborted) return;
          setState((before) => ({
            key,
            items: cursor === null ? items : [...(before.items ?? []), ...items],
            next,
            isLoading: false,
          }));
        },
        (error: unknown) => {
          if (controller.signal.aborted) return;
          setState((before) => ({ ...before, problem: problemOf(error), isLoading: false }));
        },
      );
    },
    [key],
  );

  useEffect(() => {
    read(null, limit);
    return () => reading.current?.abort();
  }, [read, limit]);

  const held: State<T> = state.key === key ? state : { key, next: null, isLoading: true };
  return {
    items: held.items,
    problem: held.problem,
    isLoading: held.isLoading,
    more: held.next === null ? undefined : () => read(held.next, limit),
    reload: () => read(null, Math.min(LIMIT_MAX, Math.max(limit, latest.current.state.items?.length ?? 0))),
  };
}
