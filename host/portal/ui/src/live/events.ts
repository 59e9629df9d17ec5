/**
 * What changes on the host, over server-sent events. A page that nobody looks at lets go of its connection:
 * browsers allow few to one host, and all tabs share them.
 */

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Problem, get, url } from "../api/client.ts";
import type { EmailState, RunState } from "../api/types.ts";
import { setHostTime } from "./clock.ts";

export interface RunChange {
  kind: "run";
  id: string;
  job: string;
  state: RunState;
}

export interface JobChange {
  kind: "job";
  name: string;
}

export interface EmailChange {
  kind: "email";
  id: string;
  /** How far it has come, or that it is `gone`. */
  state: EmailState | "gone";
}

/** Changes may have been missed: whatever is shown must be read again. */
export interface Reset {
  kind: "reset";
}

export type Change = RunChange | JobChange | EmailChange | Reset;

type Listener = (change: Change) => void;

const listeners = new Set<Listener>();
const RETRY_MS = 1000;
/** A connection that breaks for less is nobody's concern. */
const PATIENCE_MS = 1500;

/** False once the host has not answered for a while. */
export const isConnected = signal(true);
/** True from the first moment on whose changes are all told. What is read before may be out of date. */
export const isListening = signal(false);

/** Grows with every connection: the host answers again, however short it was away. */
export const connections = signal(0);

let source: EventSource | undefined;
/** The newest event that was seen, after which another connection goes on. */
let seen: string | undefined;
let retry: number | undefined;
let patience: number | undefined;

function tell(change: Change): void {
  for (const listener of [...listeners]) listener(change);
}

function open(): void {
  close();
  source = new EventSource(url("/events", { after: seen }));
  const on = <T>(name: string, then: (data: T) => void) =>
    source?.addEventListener(name, (event) => {
      seen = event.lastEventId;
      then(JSON.parse(event.data) as T);
    });
  on<{ now: string }>("ready", ({ now }) => {
    setHostTime(now);
    connected();
    connections.value += 1;
    isListening.value = true;
  });
  on("reset", () => tell({ kind: "reset" }));
  on<Omit<RunChange, "kind">>("run", (data) => tell({ kind: "run", ...data }));
  on<Omit<JobChange, "kind">>("job", (data) => tell({ kind: "job", ...data }));
  on<Omit<EmailChange, "kind">>("email", (data) => tell({ kind: "email", ...data }));
  source.onopen = connected;
  source.onerror = () => {
    patience ??= window.setTimeout(() => (isConnected.value = false), PATIENCE_MS);
    // A broken connection is tried again by the browser. A refusal is not.
    if (source?.readyState === EventSource.CLOSED) retry = window.setTimeout(again, RETRY_MS);
  };
}

/** A refusal has no body here, so a plain request finds out whether the session is over. */
async function again(): Promise<void> {
  try {
    await get("/session");
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return close();
  }
  if (!document.hidden) open();
}

function connected(): void {
  clearTimeout(patience);
  patience = undefined;
  isConnected.value = true;
}

function close(): void {
  clearTimeout(retry);
  source?.close();
  source = undefined;
}

function follow(): void {
  if (document.hidden) close();
  else if (!source) open();
}

/** Begins to listen; call the result to stop. */
export function startEvents(): () => void {
  document.addEventListener("visibilitychange", follow);
  follow();
  return () => {
    document.removeEventListener("visibilitychange", follow);
    close();
    connected();
    isListening.value = false;
    seen = undefined;
  };
}

export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls `then` soon after a change that `concerns`, and no more often than every `spacingMs`. */
export function useChanges(concerns: (change: Change) => boolean, then: () => void, spacingMs = 400): void {
  const latest = useRef({ concerns, then });
  latest.current = { concerns, then };
  useEffect(() => {
    let timer: number | undefined;
    let last = 0;
    const stop = onChange((change) => {
      if (timer !== undefined || !(change.kind === "reset" || latest.current.concerns(change))) return;
      const wait = Math.max(30, last + spacingMs - performance.now());
      timer = window.setTimeout(() => {
        timer = undefined;
        last = performance.now();
        latest.current.then();
      }, wait);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [spacingMs]);
}
