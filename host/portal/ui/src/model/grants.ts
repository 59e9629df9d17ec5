/** Grants as a form holds them, and what a component's imports ask for. */

import type { Access, Grants } from "../api/types.ts";

export interface GrantsForm {
  tables: { name: string; access: Access }[];
  recipients: string;
  perRun: string;
  perDay: string;
  hosts: string;
  /** That may have addresses which are not public. */
  privateHosts: string;
  secrets: string;
}

export const noGrants = (): GrantsForm => ({
  tables: [],
  recipients: "",
  perRun: "",
  perDay: "",
  hosts: "",
  privateHosts: "",
  secrets: "",
});

/** What a component reaches for, by interface. */
export interface Wants {
  tables: boolean;
  email: boolean;
  http: boolean;
  secrets: boolean;
}

export function wants(imports: string[]): Wants {
  const names = new Set(imports.map((name) => name.split("@")[0]));
  return {
    tables: names.has("sandglass:job/table"),
    email: names.has("sandglass:job/email"),
    http: names.has("sandglass:job/http") || [...names].some((name) => name?.startsWith("wasi:http/")),
    secrets: names.has("sandglass:job/secret"),
  };
}

/** A form with a place for each thing that the imports ask for. */
export function proposed(imports: string[], before: GrantsForm): GrantsForm {
  const { tables } = wants(imports);
  return tables && before.tables.length === 0
    ? { ...before, tables: [{ name: "", access: "read-write" }] }
    : before;
}

export function toGrantsForm(grants: Grants): GrantsForm {
  const { tables = {}, email, http = [], secrets = [] } = grants;
  return {
    tables: Object.entries(tables).map(([name, access]) => ({ name, access })),
    recipients: email?.to.join(", ") ?? "",
    perRun: email?.per_run?.toString() ?? "",
    perDay: email?.per_day?.toString() ?? "",
    hosts: http.filter((host) => typeof host === "string").join(", "),
    privateHosts: http.flatMap((host) => (typeof host === "string" ? [] : [host.host])).join(", "),
    secrets: secrets.join(", "),
  };
}

export const words = (text: string): string[] => text.split(/[\s,;]+/).filter(Boolean);

/** `before` keeps what this form does not know. */
export function toGrants(form: GrantsForm, before: Grants = {}): Grants {
  const { tables: _t, email: _e, http: _h, secrets: _s, ...unknown } = before;
  const grants: Grants = { ...unknown };
  const named = form.tables.filter(({ name }) => name.trim());
  if (named.length > 0)
    grants.tables = Object.fromEntries(named.map(({ name, access }) => [name.trim(), access]));
  const to = words(form.recipients);
  if (to.length > 0) {
    grants.email = { to };
    if (form.perRun) grants.email.per_run = Number(form.perRun);
    if (form.perDay) grants.email.per_day = Number(form.perDay);
  }
  const apart = words(form.privateHosts).map((host) => ({ host, private: true }));
  const [http, secrets] = [[...words(form.hosts), ...apart], words(form.secrets)];
  if (http.length > 0) grants.http = http;
  if (secrets.length > 0) grants.secrets = secrets;
  return grants;
}

/** In one line: `sessions (read), mail to *@example.com`. */
export function grantsText({ tables = {}, email, http = [], secrets = [] }: Grants): string {
  return [
    ...Object.entries(tables).map(([name, access]) => `${name} (${access})`),
    ...(email ? [`mail to ${email.to.join(", ")}`] : []),
    ...http.map((host) => (typeof host === "string" ? host : host.host)),
    ...secrets.map((name) => `secret ${name}`),
  ].join(", ");
}
