/** From a file to its first line of log in under a minute. */

import { useLocation } from "preact-iso";
import { useRef, useState } from "preact/hooks";
import { createJob, runJob, type NewJob } from "../api/jobs.ts";
import { listTables } from "../api/tables.ts";
import type { Component } from "../api/types.ts";
import { useDraft } from "../live/draft.ts";
import { attempt, notify } from "../live/notice.ts";
import { useProblem } from "../live/problem.ts";
import { problemOf, useResource } from "../live/resource.ts";
import { noGrants, proposed, toGrants, wants, type GrantsForm } from "../model/grants.ts";
import { toLimits } from "../model/limits.ts";
import { newSchedule, toSpec, type ScheduleForm } from "../model/schedule.ts";
import { ComponentDrop } from "../part/component-drop.tsx";
import { EnvField, toEnv, type EnvForm } from "../part/env-field.tsx";
import { TextField, useFaultInSight } from "../part/field.tsx";
import { GrantsField } from "../part/grants-field.tsx";
import { LimitsField } from "../part/limits-field.tsx";
import { ProblemNote } from "../part/message.tsx";
import { ScheduleField } from "../part/schedule-field.tsx";

const NAME = /^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/;

/** A name as jobs have it, from that of a file. */
function nameOf(file: File): string {
  const plain = file.name
    .replace(/\.wasm$/i, "")
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-");
  return plain.replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, "").slice(0, 63);
}

function nameError(name: string): string | undefined {
  if (name === "" || NAME.test(name)) return undefined;
  return "1 to 63 of a-z, 0-9, _ and -, with a letter or digit at both ends";
}

interface CreateForm {
  /** The name of the file, and what the host says of it. */
  file: string;
  component: Component | undefined;
  name: string;
  /** Whether the name was typed; else it follows the file's. */
  isNamed: boolean;
  schedule: ScheduleForm;
  grants: GrantsForm;
  limits: Record<string, string>;
  timeout: string;
  env: EnvForm;
  isPaused: boolean;
}

const blank = (): CreateForm => ({
  file: "",
  component: undefined,
  name: "",
  isNamed: false,
  schedule: newSchedule(),
  grants: noGrants(),
  limits: {},
  timeout: "",
  env: [],
  isPaused: false,
});

export function CreatePage() {
  const { route } = useLocation();
  const draft = useDraft("create", blank);
  const { change } = draft;
  const { file, component, name, schedule, grants, limits, timeout, env, isPaused } = draft.value;
  const [problem, setProblem] = useProblem();
  const [isBusy, setBusy] = useState(false);
  /** Grows when the form begins anew. */
  const [round, setRound] = useState(0);
  const place = useRef<HTMLFormElement>(null);
  useFaultInSight(place, problem);
  const tables = useResource("tables", (signal) => listTables(null, signal));

  const took = (next: Component | undefined, from: File) =>
    change((before) => ({
      component: next,
      file: from.name,
      ...(before.isNamed ? {} : { name: nameOf(from) }),
      ...(next ? { grants: proposed(next.imports, before.grants) } : {}),
    }));
  const spec = toSpec(schedule);
  const isReady = component !== undefined && NAME.test(name) && spec !== undefined && !isBusy;

  const create = async (andRun: boolean) => {
    if (!component || !spec) return;
    setBusy(true);
    setProblem(undefined);
    const specification: NewJob = {
      component: component.digest,
      schedule: spec,
      grants: toGrants(grants),
      limits: toLimits(limits),
      ...(timeout.trim() ? { policy: { timeout: timeout.trim() } } : {}),
      env: toEnv(env),
    };
    try {
      await createJob(name, specification, isPaused);
    } catch (error) {
      setProblem(problemOf(error));
      return setBusy(false);
    }
    draft.restart();
    notify("done", `${name} is created.`);
    // There is a job now, whatever comes of the rest.
    const run = andRun ? await attempt(() => runJob(name)) : undefined;
    route(run ? `/runs/${run.id}` : `/jobs/${name}`);
  };
  const isTaken = problem?.code === "precondition-failed";
  return (
    <form
      ref={place}
      class="create"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) void create(false);
      }}
    >
      <header class="page-head">
        <h1>Create a job</h1>
        {draft.isKept && (
          <button
            type="button"
            class="plain"
            onClick={() => {
              draft.restart();
              setProblem(undefined);
              setRound(round + 1);
            }}
          >
            Begin anew
          </button>
        )}
      </header>
      <section class="card">
        <h2>What runs</h2>
        <ComponentDrop key={round} before={component && { name: file, component }} onComponent={took} />
        <TextField
          label="Name"
          class="code"
          required
          maxLength={63}
          value={name}
          onValue={(value) => change({ name: value, isNamed: value !== "" })}
          error={
            nameError(name) ?? (isTaken ? `There is a job ${name} already: choose another name.` : undefined)
          }
        />
      </section>
      <section class="card">
        <h2>When</h2>
        <ScheduleField form={schedule} onForm={(next) => change({ schedule: next })} problem={problem} />
      </section>
      <section class="card">
        <h2>What it may touch</h2>
        {component ? (
          <GrantsField
            form={grants}
            onForm={(next) => change({ grants: next })}
            wants={wants(component.imports)}
            tables={tables.value?.items.map((table) => table.name) ?? []}
            problem={problem}
          />
        ) : (
          <p class="muted">Once the file is there, this asks for what it imports.</p>
        )}
      </section>
      <section class="card">
        <details class="more">
          <summary>Settings that it reads</summary>
          <EnvField form={env} onForm={(next) => change({ env: next })} error={problem?.at("/env")} />
        </details>
        <details class="more">
          <summary>
            Limits of an attempt{" "}
            <span class="muted">unless changed: 1m, 64MiB of memory, 10,000,000,000 fuel</span>
          </summary>
          <LimitsField form={limits} onForm={(next) => change({ limits: next })} problem={problem}>
            <TextField
              label="Timeout"
              placeholder="1m"
              value={timeout}
              onValue={(next) => change({ timeout: next })}
              error={problem?.at("/policy/timeout")}
              hint="30s, 5m; at most 24h"
            />
          </LimitsField>
        </details>
        <label class="check">
          <input
            type="checkbox"
            checked={isPaused}
            onChange={(event) => change({ isPaused: event.currentTarget.checked })}
          />{" "}
          Create it paused: the schedule begins when it is resumed
        </label>
      </section>
      {problem && !isTaken && <ProblemNote problem={problem} />}
      <footer class="actions sticky">
        <button type="submit" disabled={!isReady}>
          Create
        </button>
        <button type="button" class="primary" disabled={!isReady} onClick={() => void create(true)}>
          Create and run once
        </button>
      </footer>
    </form>
  );
}
