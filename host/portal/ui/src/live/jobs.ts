/** All jobs in brief, read once and kept up to date: for the list, the palette, and what comes next. */

import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Problem } from "../api/client.ts";
import { brief, getJob, listJobs, listUpcoming } from "../api/jobs.ts";
import type { Job, JobBrief } from "../api/types.ts";
import { hostTime } from "./clock.ts";
import { onChange } from "./events.ts";
import { problemOf } from "./resource.ts";

/** By name. Undefined until the first page is there. */
export const jobs = signal<ReadonlyMap<string, JobBrief> | undefined>(undefined);
export const jobsProblem = signal<Problem | undefined>(undefined);
/** False while further pages are on their way. */
export const areAllRead = signal(false);
/** Names of jobs with an occurrence that is overdue. */
export const lateJobs = signal<ReadonlySet<string>>(new Set());

export const jobNames = computed(() => [...(jobs.value?.keys() ?? [])]);

/** The first page is what is seen first; the others follow as large as they may be. */
const FIRST_PAGE = 60;
const PAGE = 1000;
const LATE_AFTER_MS = 3000;
const LOOK_FOR_LATE_MS = 10_000;
/** Changed jobs that are read one by one; with more of them the whole list is quicker. */
const SINGLES_MAX = 200;
const GATHER_MS = 60;
const AT_A_TIME = 4;

let reading: AbortController | undefined;
const changed = new Set<string>();
let gathering: number | undefined;

async function readAll(): Promise<void> {
  reading?.abort();
  const controller = (reading = new AbortController());
  changed.clear();
  areAllRead.value = false;
  const found = new Map<string, JobBrief>();
  let cursor: string | null = null;
  try {
    do {
      const page = await listJobs(cursor, cursor === null ? FIRST_PAGE : PAGE, controller.signal);
      for (const job of page.items) found.set(job.name, job);
      cursor = page.next;
      // While jobs are shown already, they stay until all are read again.
      if (cursor === null || (jobs.peek()?.size ?? 0) <= found.size) jobs.value = new Map(found);
      jobsProblem.value = undefined;
    } while (cursor !== null);
    areAllRead.value = true;
  } catch (error) {
    if (!controller.signal.aborted) jobsProblem.value = problemOf(error);
  }
}

/** Puts what a change has answered into the list. */
export function setJob(job: Job): void {
  if (jobs.value) jobs.value = new Map(jobs.value).set(job.name, brief(job));
}

function forget(name: string): void {
  const rest = new Map(jobs.value);
  rest.delete(name);
  jobs.value = rest;
}

async function readChanged(): Promise<void> {
  gathering = undefined;
  const names = [...changed];
  changed.clear();
  if (names.length > SINGLES_MAX) return readAll();
  const read = async (): Promise<void> => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      try {
        setJob(await getJob(name));
      } catch (error) {
        if (error instanceof Problem && error.status === 404) forget(name);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, read));
}

async function lookForLate(): Promise<void> {
  if (document.hidden) return;
  try {
    const overdue = await listUpcoming(new Date(hostTime() - LATE_AFTER_MS), 1000);
    const names = new Set(overdue.items.map((item) => item.job));
    if (names.size > 0 || lateJobs.peek().size > 0) lateJobs.value = names;
  } catch {
    // The list itself tells of a host that does not answer.
  }
}

let users = 0;
let stop: (() => void) | undefined;

function start(): () => void {
  void readAll();
  void lookForLate();
  const unlisten = onChange((change) => {
    if (change.kind === "reset") return void readAll();
    if (change.kind === "email") return;
    changed.add(change.kind === "run" ? change.job : change.name);
    gathering ??= window.setTimeout(readChanged, GATHER_MS);
  });
  const timer = setInterval(lookForLate, LOOK_FOR_LATE_MS);
  return () => {
    unlisten();
    clearInterval(timer);
    clearTimeout(gathering);
    gathering = undefined;
    reading?.abort();
  };
}

/** Keeps the list up to date for as long as somebody shows it. */
export function useJobs(): void {
  useEffect(() => {
    users += 1;
    stop ??= start();
    return () => {
      users -= 1;
      if (users > 0) return;
      stop?.();
      stop = undefined;
    };
  }, []);
}
