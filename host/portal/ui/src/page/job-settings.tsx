/** Everything that a revision says, to be changed; what changes is shown before it is saved. */

import { useEffect, useRef, useState } from "preact/hooks";
import { getComponent } from "../api/components.ts";
import { reviseJob } from "../api/jobs.ts";
import { listTables } from "../api/tables.ts";
import type { Component, Job, Specification } from "../api/types.ts";
import { plural } from "../format/amount.ts";
import { setJob } from "../live/jobs.ts";
import { useDraft } from "../live/draft.ts";
import { notify } from "../live/notice.ts";
import { useProblem } from "../live/problem.ts";
import { problemOf, useResource } from "../live/resource.ts";
import { summary } from "../model/component.ts";
import { difference } from "../model/difference.ts";
import { wants } from "../model/grants.ts";
import { toSettings, toSpecification, type SettingsForm } from "../model/specification.ts";
import { ComponentDrop } from "../part/component-drop.tsx";
import { DifferenceTable } from "../part/difference-table.tsx";
import { Dialog } from "../part/dialog.tsx";
import { EnvField } from "../part/env-field.tsx";
import { TextField, useFaultInSight } from "../part/field.tsx";
import { GrantsField } from "../part/grants-field.tsx";
import { LimitsField } from "../part/limits-field.tsx";
import { ProblemNote } from "../part/message.tsx";
import { NotifyField } from "../part/notify-field.tsx";
import { PolicyField } from "../part/policy-field.tsx";
import { ScheduleField } from "../part/schedule-field.tsx";
import { FullTime } from "../part/time.tsx";

interface Typed {
  /** What was typed belongs to the revision that it began with, whatever happens to the job meanwhile. */
  base: Job;
  form: SettingsForm;
  /** The name of another file, and what the host says of it. */
  file: string;
  component: Component | undefined;
}

const fresh = (job: Job): Typed => ({
  base: job,
  form: toSettings(job.specification),
  file: "",
  component: undefined,
});

export function JobSettings({ job, onJob }: { job: Job; onJob: (job: Job) => void }) {
  const draft = useDraft(`settings of ${job.name}`, () => fresh(job));
  const { base, form, file, component } = draft.value;
  const [problem, setProblem] = useProblem();
  /** Grows when the form begins anew. */
  const [round, setRound] = useState(0);
  const [isReviewed, setReviewed] = useState(false);
  const place = useRef<HTMLFormElement>(null);
  useFaultInSight(place, problem);
  const tables = useResource("tables", (signal) => listTables(null, signal));
  const digest = component?.digest ?? base.specification.component;
  const known = useResource(`component ${digest}`, (signal) => getComponent(digest, signal));

  const change = (part: Partial<SettingsForm>) =>
    draft.change((before) => ({ form: { ...before.form, ...part } }));
  const made = toSpecification(form, base.specification);
  const after: Specification | undefined = made && { ...made, component: digest };
  const changes = after ? difference(base.specification, after) : [];
  const restart = (from: Job) => {
    draft.restart(fresh(from));
    setProblem(undefined);
    setRound((before) => before + 1);
  };
  const isOutdated = job.revision !== base.revision;
  useEffect(() => {
    // Where nothing was typed there is nothing to keep.
    if (isOutdated && changes.length === 0) restart(job);
  }, [isOutdated]);
  const save = async () => {
    setReviewed(false);
    try {
      // A pause, say, makes another version of the job, and leaves what is revised here as it was.
      const saved = await reviseJob(base.name, after!, isOutdated ? base.version : job.version);
      notify("done", `Revision ${saved.revision} of ${saved.name} is in force.`);
      setJob(saved);
      onJob(saved);
      restart(saved);
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  return (
    <form
      ref={place}
      class="settings"
      onSubmit={(event) => {
        event.preventDefault();
        setReviewed(true);
      }}
    >
      {isOutdated && (
        <div class="note warn" role="status">
          <p>
            This job has become revision {job.revision} meanwhile; what is typed here was begun on{" "}
            {base.revision}.{" "}
            <button type="button" class="small" onClick={() => restart(job)}>
              Begin anew on {job.revision}
            </button>{" "}
            <button type="button" class="small" onClick={() => draft.change({ base: job })}>
              Keep what is typed
            </button>
          </p>
        </div>
      )}
      <section class="card">
        <h2>Schedule</h2>
        <ScheduleField form={form.schedule} onForm={(schedule) => change({ schedule })} problem={problem} />
      </section>
      <section class="card">
        <h2>Component</h2>
        {known.value && !component && (
          <p class="digest" title={digest}>
            <span class="muted">In force:</span> <code>{digest.slice(0, 12)}</code>, {summary(known.value)},
            uploaded <FullTime at={known.value.uploaded_at} />
          </p>
        )}
        <ComponentDrop
          key={round}
          before={component && { name: file, component }}
          onComponent={(next, from) => draft.change({ component: next, file: from.name })}
        />
      </section>
      <section class="card">
        <h2>Grants</h2>
        <GrantsField
          form={form.grants}
          onForm={(grants) => change({ grants })}
          wants={known.value && wants(known.value.imports)}
          tables={tables.value?.items.map((table) => table.name) ?? []}
          problem={problem}
        />
      </section>
      <section class="card">
        <h2>Policies</h2>
        <PolicyField form={form.policy} onForm={(policy) => change({ policy })} problem={problem} />
      </section>
      <section class="card">
        <h2>Notifications</h2>
        <NotifyField form={form.notify} onForm={(notify) => change({ notify })} problem={problem} />
      </section>
      <section class="card">
        <h2>Webhook</h2>
        <TextField
          label="Runs are started by requests that are signed with the secret"
          placeholder="none"
          value={form.hook}
          onValue={(hook) => change({ hook })}
          error={problem?.at("/hook")}
          hint="The name of a secret whose value is whsec_ and 24 to 64 bytes in base64 (Standard Webhooks)"
        />
      </section>
      <section class="card">
        <h2>Settings that it reads</h2>
        <EnvField form={form.env} onForm={(env) => change({ env })} error={problem?.at("/env")} />
      </section>
      <section class="card">
        <h2>Limits of an attempt</h2>
        <LimitsField form={form.limits} onForm={(limits) => change({ limits })} problem={problem} />
      </section>
      {problem && <ProblemNote problem={problem} />}
      <footer class="actions sticky">
        <span class="muted">
          {changes.length === 0 ? "Nothing is changed." : plural(changes.length, "change")}
        </span>
        <button type="button" disabled={changes.length === 0} onClick={() => restart(job)}>
          Undo all
        </button>
        <button type="submit" class="primary" disabled={changes.length === 0}>
          Review the changes
        </button>
      </footer>
      {isReviewed && (
        <Dialog title={`Changes of ${job.name}`} onClose={() => setReviewed(false)}>
          <DifferenceTable changes={changes} />
          <footer class="actions">
            <button type="button" onClick={() => setReviewed(false)}>
              Go on editing
            </button>
            <button type="button" class="primary" onClick={() => void save()}>
              Save
            </button>
          </footer>
        </Dialog>
      )}
    </form>
  );
}
