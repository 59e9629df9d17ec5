/** From a file to its first line of log in under a minute. */

import { useLocation } from "preact-iso";
import { useRef, useState } from "preact/hooks";
import type { Problem } from "../api/client.ts";
import { createJob, pauseJob, runJob, type Draft } from "../api/jobs.ts";
import { listTables } from "../api/tables.ts";
import type { Component } from "../api/types.ts";
import { attempt, notify } from "../live/notice.ts";
import { problemOf, useResource } from "../live/resource.ts";
import { noGrants, proposed, toGrants, wants } from "../model/grants.ts";
import { toLimits } from "../model/limits.ts";
import { newSchedule, toSpec } from "../model/schedule.ts";
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

export function CreatePage() {
  const { route } = useLocation();
  const [component, setComponent] = useState<Component>();
  const [name, setName] = useState("");
  const [isNamed, setNamed] = useState(false);
  const [schedule, setSchedule] = useState(newSchedule);
  const [grants, setGrants] = useState(noGrants);
  const [limits, setLimits] = useState<Record<string, string>>({});
  const [env, setEnv] = useState<EnvForm>([]);
  const [isPaused, setPaused] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const place = useRef<HTMLFormElement>(null);
  useFaultInSight(place, problem);
  const tables = useResource("tables", (signal) => listTables(null, signal));

  const took = (next: Component | undefined, file: File) => {
    setComponent(next);
    if (!isNamed) setName(nameOf(file));
    if (next) setGrants((before) => proposed(next.imports, before));
  };
  const spec = toSpec(schedule);
  const isReady = component !== undefined && NAME.test(name) && spec !== undefined && !isBusy;

  const create = async (andRun: boolean) => {
    if (!component || !spec) return;
    setBusy(true);
    setProblem(undefined);
    const draft: Draft = {
      component: component.digest,
      schedule: spec,
      grants: toGrants(grants),
      limits: toLimits(limits),
      env: toEnv(env),
    };
    try {
      await createJob(name, draft);
    } catch (error) {
      setProblem(problemOf(error));
      return setBusy(false);
    }
    notify("done", `${name} is created.`);
    // There is a job now, whatever comes of the rest.
    const run = await attempt(async () => {
      if (isPaused) await pauseJob(name, "created paused");
      return andRun ? await runJob(name) : undefined;
    });
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
      </header>
      <section class="card">
        <h2>What runs</h2>
        <ComponentDrop onComponent={took} />
        <TextField
          label="Name"
          class="code"
          required
          maxLength={63}
          value={name}
          onValue={(value) => {
            setName(value);
            setNamed(value !== "");
          }}
          error={
            nameError(name) ?? (isTaken ? `There is a job ${name} already: choose another name.` : undefined)
          }
        />
      </section>
      <section class="card">
        <h2>When</h2>
        <ScheduleField form={schedule} onForm={setSchedule} problem={problem} />
      </section>
      <section class="card">
        <h2>What it may touch</h2>
        {component ? (
          <GrantsField
            form={grants}
            onForm={setGrants}
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
          <EnvField form={env} onForm={setEnv} error={problem?.at("/env")} />
        </details>
        <details class="more">
          <summary>Limits of an attempt</summary>
          <LimitsField form={limits} onForm={setLimits} problem={problem} />
        </details>
        <label class="check">
          <input
            type="checkbox"
            checked={isPaused}
            onChange={(event) => setPaused(event.currentTarget.checked)}
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
