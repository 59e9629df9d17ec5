/** The host itself, and the session with it. */

import { call, get } from "./client.ts";
import type { Host, Session } from "./types.ts";

export const getHost = (signal?: AbortSignal) => get<Host>("/host", {}, signal);

export const getSession = () => get<Session>("/session");

/** With a token, or with the code of a one-time link. */
export const signIn = (proof: { token: string } | { code: string }) =>
  call<Session>("POST", "/session", { body: proof });

export const signOut = () => call<void>("DELETE", "/session");
