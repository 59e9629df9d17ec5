/** What one does with a job most: run it now, pause it, resume it. */

import { useState } from "preact/hooks";
import { pauseJob, resumeJob, runJob } from "../api/jobs.ts";
import type { Job, Run } from "../api/types.ts";
import { setJob } from "../live/jobs.ts";
import { attempt } from "../live/notice.ts";
import { Icon } from "./icon.tsx";

interface JobActionsProps {
  name: string;
  state: "active" | "paused";
  isSmall?: boolean;
  onJob?: (job: Job) => void;
  onRun?: (run: Run) => void;
}

export function JobActions({ name, state, isSmall, onJob, onRun }: JobActionsProps) {
  const [isBusy, setBusy] = useState(false);
  const act = async (work: () => Promise<void>) => {
    setBusy(true);
    await work();
    setBusy(false);
  };
  const run = () =>
    act(async () => {
      const started = await attempt(() => runJob(name), onRun ? undefined : `${name} runs.`);
      if (started) onRun?.(started);
    });
  const toggle = () =>
    act(async () => {
      const isPaused = state === "paused";
      const job = await attempt(
        () => (isPaused ? resumeJob(name) : pauseJob(name)),
        `${name} is ${isPaused ? "active" : "paused"}.`,
      );
      if (!job) return;
      setJob(job);
      onJob?.(job);
    });
  const words = state === "paused" ? "Resume" : "Pause";
  return (
    <span class="job-actions">
      <button
        type="button"
        class={isSmall ? "plain icon-only" : ""}
        disabled={isBusy}
        onClick={run}
        aria-label={isSmall ? `Run ${name} now` : undefined}
        title="Run now"
      >
        <Icon name="play" /> {!isSmall && "Run now"}
      </button>
      <button
        type="button"
        class={isSmall ? "plain icon-only" : ""}
        disabled={isBusy}
        onClick={toggle}
        aria-label={isSmall ? `${words} ${name}` : undefined}
        title={words}
      >
        <Icon name={state === "paused" ? "resume" : "pause"} /> {!isSmall && words}
      </button>
    </span>
  );
}
