/** A list that comes in pages: what failed, that it is read, that there is nothing, what there is, and more of it. */

import type { ComponentChildren } from "preact";
import type { Pages } from "../live/pages.ts";
import { Loading, ProblemNote } from "./message.tsx";

interface PagedProps<T> {
  pages: Pages<T>;
  /** Lines that stand for it while it is read. */
  lines: number;
  empty: ComponentChildren;
  children: (items: T[]) => ComponentChildren;
}

export function Paged<T>({ pages, lines, empty, children }: PagedProps<T>) {
  const { items, problem, isLoading, more, reload } = pages;
  return (
    <>
      {problem && <ProblemNote problem={problem} retry={reload} />}
      {!items && !problem && <Loading lines={lines} />}
      {items && (items.length === 0 ? empty : children(items))}
      {more && (
        <p class="more-row">
          <button type="button" disabled={isLoading} onClick={more}>
            {isLoading ? "Reading …" : "Show more"}
          </button>
        </p>
      )}
    </>
  );
}
