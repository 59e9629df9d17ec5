/** Jobs, their revisions and schedules. */

import { call, get } from "./client.ts";
import type {
  Instant,
  Job,
  JobBrief,
  List,
  Policy,
  Preview,
  Revision,
  Run,
  ScheduleSpec,
  Skip,
  Specification,
  Upcoming,
} from "./types.ts";

const path = (name: string) => `/jobs/${encodeURIComponent(name)}`;

export const listJobs = (cursor: string | null, limit: number, signal?: AbortSignal) =>
  get<List<JobBrief>>("/jobs", { brief: true, limit, cursor }, signal);

export const getJob = (name: string, signal?: AbortSignal) => get<Job>(path(name), {}, signal);

/** A whole job, as lists show it. */
export function brief(job: Job): JobBrief {
  const { name, state, schedule_words, next, live_runs, last_run, last_skip, recent, counters } = job;
  const { skipped, missed } = counters;
  const outcomes = recent.map((end) => end.outcome);
  return {
    name,
    state,
    schedule_words,
    next: next[0] ?? null,
    live_runs,
    last_run,
    recent: outcomes,
    skipped,
    missed,
    last_skip,
  };
}

/** What a new job needs to say; the host has defaults for the rest. */
export type NewJob = Partial<Omit<Specification, "policy">> & { component: string; policy?: Partial<Policy> };

/** Refused with 412 where there is a job of this name. One that is made paused starts nothing by itself. */
export const createJob = (name: string, specification: NewJob, paused: boolean) =>
  call<Job>("PUT", path(name), {
    query: { paused },
    body: specification,
    headers: { "If-None-Match": "*" },
  });

/** Refused with 412 where the job has changed since `version`. */
export const reviseJob = (name: string, specification: Specification, version: number) =>
  call<Job>("PUT", path(name), { body: specification, headers: { "If-Match": `"${version}"` } });

export const deleteJob = (name: string) => call<void>("DELETE", path(name));

export const pauseJob = (name: string, reason?: string) =>
  call<Job>("POST", `${path(name)}/pause`, { body: reason ? { reason } : {} });

export const resumeJob = (name: string) => call<Job>("POST", `${path(name)}/resume`, { body: {} });

export const rollBack = (name: string, revision: number) =>
  call<Job>("POST", `${path(name)}/rollback`, { body: { revision } });

export const runJob = (name: string, input?: unknown) =>
  call<Run>("POST", `${path(name)}/runs`, { body: input === undefined ? {} : { input } });

/** Runs for the instants of the schedule in a time that is over, both ends included. */
export const backfillJob = (name: string, from: Instant, to: Instant) =>
  call<{ count: number }>("POST", `${path(name)}/backfill`, { body: { from, to } });

export const listRevisions = (name: string, signal?: AbortSignal) =>
  get<List<Revision>>(`${path(name)}/revisions`, { limit: 100 }, signal);

export const listSkips = (name: string, limit: number, signal?: AbortSignal) =>
  get<List<Skip>>(`${path(name)}/skips`, { limit }, signal);

export const previewSchedule = (schedule: ScheduleSpec, count: number, signal?: AbortSignal) =>
  get<Preview>("/schedules/preview", { ...schedule, count }, signal);

export const previewJob = (job: string, count: number, signal?: AbortSignal, after?: Instant) =>
  get<Preview>("/schedules/preview", { job, count, after }, signal);

export const listUpcoming = (until: Date, limit: number, signal?: AbortSignal) =>
  get<List<Upcoming>>("/upcoming", { until: until.toISOString(), limit }, signal);
