/** A schedule as a form holds it, and as the API takes it. */

import type { ScheduleSpec } from "../api/types.ts";
import { viewerZone } from "../format/time.ts";

export type Kind = "every" | "cron" | "at" | "demand";

export const UNITS = [
  ["s", "seconds"],
  ["m", "minutes"],
  ["h", "hours"],
  ["d", "days"],
  ["w", "weeks"],
  ["mo", "months"],
] as const;

const HOUR_MS = 3_600_000;

/** Everything that was typed, also for the kinds that are not chosen now. */
export interface ScheduleForm {
  kind: Kind;
  count: string;
  unit: string;
  cron: string;
  /** Wall time here, as `datetime-local` has it. */
  at: string;
  zone: string;
  /** Members that have no field in the form's first part. */
  rest: Pick<ScheduleSpec, "start" | "not_before" | "not_after" | "jitter" | "dst_gap" | "dst_repeat">;
}

export const newSchedule = (): ScheduleForm => ({
  kind: "every",
  count: "1",
  unit: "h",
  cron: "0 3 * * *",
  at: "",
  zone: viewerZone,
  rest: {},
});

/** Whether wall time, and so the zone, matters. */
export const hasZone = ({ kind, unit }: ScheduleForm): boolean =>
  kind === "cron" || (kind === "every" && ["d", "w", "mo"].includes(unit));

/** The value of a `datetime-local` for an instant. */
export function localInput(instant: string | undefined): string {
  if (!instant) return "";
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The next full hour but one, to begin with. */
export const soon = (): string =>
  localInput(new Date((Math.floor(Date.now() / HOUR_MS) + 2) * HOUR_MS).toISOString());

export const fromLocalInput = (text: string): string | undefined =>
  text && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : undefined;

export function toForm(spec: ScheduleSpec): ScheduleForm {
  const { every, cron, at, time_zone, ...rest } = spec;
  const form: ScheduleForm = { ...newSchedule(), zone: time_zone ?? "UTC", rest };
  const parts = /^(\d+)([a-z]+)$/.exec(every ?? "");
  if (parts) return { ...form, kind: "every", count: parts[1]!, unit: parts[2]! };
  if (cron !== undefined) return { ...form, kind: "cron", cron };
  if (at !== undefined) return { ...form, kind: "at", at: localInput(at) };
  return { ...form, kind: "demand" };
}

/** Undefined where something that it needs is not filled in. */
export function toSpec(form: ScheduleForm): ScheduleSpec | undefined {
  const { start, ...rest } = form.rest;
  const zone = hasZone(form) && form.zone && form.zone !== "UTC" ? { time_zone: form.zone } : {};
  const kept = Object.fromEntries(Object.entries(rest).filter(([, value]) => value)) as ScheduleSpec;
  switch (form.kind) {
    case "every":
      return form.count
        ? { every: `${form.count}${form.unit}`, ...(start ? { start } : {}), ...zone, ...kept }
        : undefined;
    case "cron":
      return form.cron.trim() ? { cron: form.cron.trim(), ...zone, ...kept } : undefined;
    case "at": {
      const at = fromLocalInput(form.at);
      return at ? { at, ...(kept.jitter ? { jitter: kept.jitter } : {}) } : undefined;
    }
    case "demand":
      return {};
  }
}
