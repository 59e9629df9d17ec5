/** Secrets: their names. No request gives a value back. */

import { call, get } from "./client.ts";
import type { List, Secret } from "./types.ts";

const path = (name: string) => `/secrets/${encodeURIComponent(name)}`;

export const listSecrets = (cursor: string | null, limit: number, signal?: AbortSignal) =>
  get<List<Secret>>("/secrets", { cursor, limit }, signal);

/** Sets a new one: refused with 412 where there is one of this name. */
export const addSecret = (name: string, value: string) =>
  call<Secret>("PUT", path(name), { body: { value }, headers: { "If-None-Match": "*" } });

/** Sets the value anew: refused with 412 where there is none any more. */
export const setSecret = (name: string, value: string) =>
  call<Secret>("PUT", path(name), { body: { value }, headers: { "If-Match": "*" } });

export const deleteSecret = (name: string) => call<void>("DELETE", path(name));
