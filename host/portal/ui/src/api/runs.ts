/** Runs and their logs. */

import { call, get, refused, url } from "./client.ts";
import type { List, LogLine, Run } from "./types.ts";

export interface RunFilter {
  outcome?: string;
  trigger?: string;
  since?: string;
  until?: string;
}

/** Of one job, or of all where none is named. */
export function listRuns(
  job: string | undefined,
  filter: RunFilter,
  cursor: string | null,
  limit: number,
  signal?: AbortSignal,
): Promise<List<Run>> {
  const path = job === undefined ? "/runs" : `/jobs/${encodeURIComponent(job)}/runs`;
  return get<List<Run>>(path, { ...filter, cursor, limit }, signal);
}

export const getRun = (id: string, signal?: AbortSignal) => get<Run>(`/runs/${id}`, {}, signal);

/** A run like one that has ended, with the same input. */
export const retryRun = (id: string) => call<Run>("POST", `/runs/${id}/retry`, { body: {} });

export const cancelRun = (id: string) => call<Run>("POST", `/runs/${id}/cancel`, { body: {} });

/**
 * Reads a run's log, a batch of lines at a time, and with `follow` goes on until the run has ended.
 * Throws where the connection breaks; where the host stops, it ends as if the run had.
 */
export async function readLog(
  id: string,
  follow: boolean,
  onLines: (lines: LogLine[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(url(`/runs/${id}/logs`, { follow: follow || undefined }), { signal });
  if (!response.ok) throw refused(response.status, await response.text());
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    if (lines.length > 0) onLines(lines.filter(Boolean).map((line) => JSON.parse(line) as LogLine));
  }
}
