/** A long list of rows of one height, of which only those in sight are in the document. */

import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface VirtualListProps {
  count: number;
  rowHeight: number;
  row: (index: number) => ComponentChildren;
  label: string;
  class?: string;
  /** The element that scrolls, for whoever moves it. */
  scroller?: RefObject<HTMLDivElement | null>;
  onScroll?: (element: HTMLDivElement) => void;
}

/** Rows kept beyond each edge, so that scrolling does not show their absence. */
const BEYOND = 6;
const STEP = 4;

export function VirtualList({
  count,
  rowHeight,
  row,
  label,
  class: name = "",
  scroller,
  onScroll,
}: VirtualListProps) {
  const own = useRef<HTMLDivElement>(null);
  const element = scroller ?? own;
  const [seen, setSeen] = useState({ top: 0, height: 800 });

  // By steps, so that most scroll events draw nothing.
  const step = rowHeight * STEP;
  const look = (height: number) => {
    const top = Math.floor((element.current?.scrollTop ?? 0) / step) * step;
    setSeen((before) => (top === before.top && height === before.height ? before : { top, height }));
  };
  useLayoutEffect(() => {
    // The height is asked for when it changes only: to ask makes the browser lay everything out at once.
    const observer = new ResizeObserver(([entry]) => look(entry!.contentRect.height));
    observer.observe(element.current!);
    look(element.current!.clientHeight);
    return () => observer.disconnect();
  }, [step]);

  const first = Math.max(0, Math.floor(seen.top / rowHeight) - BEYOND);
  const end = Math.min(count, Math.ceil((seen.top + seen.height) / rowHeight) + BEYOND + STEP);
  const rows = [];
  for (let index = first; index < end; index++) rows.push(row(index));
  return (
    <div
      ref={element}
      class={`virtual ${name}`}
      tabIndex={0}
      role="list"
      aria-label={label}
      onScroll={() => {
        look(seen.height);
        onScroll?.(element.current!);
      }}
    >
      <div class="virtual-space" role="presentation" style={{ height: `${count * rowHeight}px` }}>
        <div
          class="virtual-rows"
          role="presentation"
          style={{ transform: `translateY(${first * rowHeight}px)` }}
        >
          {rows}
        </div>
      </div>
    </div>
  );
}
