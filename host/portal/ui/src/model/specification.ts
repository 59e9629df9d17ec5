/** A job's specification as the settings hold it. What no field shows is kept as it is. */

import type { Notify, Policy, ScheduleSpec, Specification } from "../api/types.ts";
import { toEnv, toEnvForm, type EnvForm } from "../part/env-field.tsx";
import { toGrants, toGrantsForm, words, type GrantsForm } from "./grants.ts";
import { LIMITS, limitText, toLimits } from "./limits.ts";
import { toForm, toSpec, type ScheduleForm } from "./schedule.ts";

export interface PolicyForm {
  overlap: string;
  max_concurrency: string;
  late_after: string;
  catch_up: string;
  catch_up_max: string;
  catch_up_window: string;
  start_within: string;
  timeout: string;
  max_attempts: string;
  initial: string;
  max: string;
  on: string[];
  pause_after: string;
}

export interface NotifyForm {
  on: string[];
  email: string;
  webhook: string;
  secret: string;
  private: boolean;
}

export interface SettingsForm {
  schedule: ScheduleForm;
  policy: PolicyForm;
  limits: Record<string, string>;
  grants: GrantsForm;
  env: EnvForm;
  notify: NotifyForm;
  /** The secret that signs requests which start runs; empty: none do. */
  hook: string;
}

/** What somebody can be told of. */
export const NOTICES = ["failure", "recovery", "late"];

export function toSettings(specification: Specification): SettingsForm {
  const { schedule, policy, limits, grants, env, notify, hook } = specification;
  const { retry } = policy;
  const all = typeof policy.catch_up === "object" ? policy.catch_up.all : undefined;
  return {
    schedule: toForm(schedule),
    policy: {
      overlap: policy.overlap,
      max_concurrency: String(policy.max_concurrency),
      late_after: policy.late_after,
      catch_up: all ? "all" : (policy.catch_up as string),
      catch_up_max: String(all?.max ?? 100),
      catch_up_window: all?.window ?? "1d",
      start_within: policy.start_within ?? "",
      timeout: policy.timeout,
      max_attempts: String(retry.max_attempts),
      initial: retry.initial,
      max: retry.max,
      on: retry.on,
      pause_after: String(policy.pause_after),
    },
    limits: Object.fromEntries(LIMITS.map(({ name }) => [name, limitText(limits[name])])),
    grants: toGrantsForm(grants),
    env: toEnvForm(env),
    notify: {
      on: notify?.on ?? NOTICES,
      email: notify?.email?.join(", ") ?? "",
      webhook: notify?.webhook ?? "",
      secret: notify?.secret ?? "",
      private: notify?.private ?? false,
    },
    hook: hook?.secret ?? "",
  };
}

/** What is no number is sent as it was typed: the host says what is wrong with it. */
const number = (text: string) => (/^\d+$/.test(text.trim()) ? Number(text) : (text as unknown as number));

function toPolicy(form: PolicyForm, before: Policy): Policy {
  const { start_within: _, ...kept } = before;
  const all = { all: { max: number(form.catch_up_max), window: form.catch_up_window } };
  return {
    ...kept,
    ...(form.start_within.trim() ? { start_within: form.start_within.trim() } : {}),
    overlap: form.overlap,
    max_concurrency: number(form.max_concurrency),
    late_after: form.late_after,
    catch_up: form.catch_up === "all" ? all : (form.catch_up as "latest"),
    timeout: form.timeout,
    retry: {
      ...before.retry,
      max_attempts: number(form.max_attempts),
      initial: form.initial,
      max: form.max,
      on: form.on,
    },
    pause_after: number(form.pause_after),
  };
}

/** Undefined where nobody is told of anything, and nobody was. */
function toNotify(form: NotifyForm, before: Notify | undefined): Notify | undefined {
  const email = words(form.email);
  const webhook = form.webhook.trim();
  const secret = form.secret.trim();
  if (!before && email.length === 0 && !webhook) return undefined;
  const { email: _e, webhook: _w, secret: _s, private: _p, ...kept } = before ?? { on: [] };
  return {
    ...kept,
    on: form.on,
    ...(email.length > 0 ? { email } : {}),
    ...(webhook ? { webhook } : {}),
    ...(secret ? { secret } : {}),
    ...(form.private ? { private: true } : {}),
  };
}

/** A form shows less than a schedule can say (seconds of a date, say): what it would send of one that was not touched is not sent. */
function toSchedule(form: ScheduleForm, before: ScheduleSpec): ScheduleSpec | undefined {
  const schedule = toSpec(form);
  return JSON.stringify(schedule) === JSON.stringify(toSpec(toForm(before))) ? before : schedule;
}

/** Undefined where the schedule lacks something. */
export function toSpecification(form: SettingsForm, before: Specification): Specification | undefined {
  const schedule = toSchedule(form.schedule, before.schedule);
  if (!schedule) return undefined;
  const notify = toNotify(form.notify, before.notify);
  const { hook: _, ...kept } = before;
  const secret = form.hook.trim();
  return {
    ...kept,
    schedule,
    policy: toPolicy(form.policy, before.policy),
    limits: { ...before.limits, ...toLimits(form.limits) },
    grants: toGrants(form.grants, before.grants),
    env: toEnv(form.env),
    ...(notify ? { notify } : {}),
    ...(secret ? { hook: { ...before.hook, secret } } : {}),
  };
}
