/** Short messages of what was done, or was not. */

import { signal } from "@preact/signals";
import { problemOf } from "./resource.ts";

export interface Notice {
  id: number;
  kind: "done" | "failed";
  text: string;
}

export const notices = signal<Notice[]>([]);

const SHOWN_MS = { done: 4000, failed: 12000 };
let last = 0;

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function notify(kind: Notice["kind"], text: string): void {
  const id = ++last;
  notices.value = [...notices.value.slice(-3), { id, kind, text }];
  setTimeout(() => dismiss(id), SHOWN_MS[kind]);
}

/** Does something on the host, and says how it went. Undefined where it failed. */
export async function attempt<T>(work: () => Promise<T>, done?: string): Promise<T | undefined> {
  try {
    const value = await work();
    if (done) notify("done", done);
    return value;
  } catch (error) {
    notify("failed", problemOf(error).message);
    return undefined;
  }
}
