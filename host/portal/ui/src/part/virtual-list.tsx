/** A long list of rows of one height, of which only those in sight are in the document. */

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

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
const BEYOND = 12;

export function VirtualList({ count, rowHeight, row, label, class: name = "", scroller, onScroll }: VirtualListProps) {
  const own = useRef<HTMLDivElement>(null);
  const element = scroller ?? own;
  const [seen, setSeen] = useState({ top: 0, height: 800 });

  const look = () => {
    // An observer may call once more while the list is taken away.
    if (!element.current) return;
    const { scrollTop, clientHeight } = element.current;
    // By steps, so that most scroll events draw nothing.
    const top = Math.floor(scrollTop / (rowHeight * 4)) * rowHeight * 4;
    if (top !== seen.top || clientHeight !== seen.height) setSeen({ top, height: clientHeight });
  };
  useLayoutEffect(look);
  useEffect(() => {
    const observer = new ResizeObserver(look);
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(seen.top / rowHeight) - BEYOND);
  const end = Math.min(count, Math.ceil((seen.top + seen.height) / rowHeight) + BEYOND + 4);
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
        look();
        onScroll?.(element.current!);
      }}
    >
      <div class="virtual-space" role="presentation" style={{ height: `${count * rowHeight}px` }}>
        <div class="virtual-rows" role="presentation" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {rows}
        </div>
      </div>
    </div>
  );
}
