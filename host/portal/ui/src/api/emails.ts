/** The outbox. */

import { call, get, url } from "./client.ts";
import type { Email, List } from "./types.ts";

export const listEmails = (
  state: string | undefined,
  cursor: string | null,
  limit: number,
  signal?: AbortSignal,
) => get<List<Email>>("/emails", { state: state || undefined, cursor, limit }, signal);

export const getEmail = (id: string, signal?: AbortSignal) => get<Email>(`/emails/${id}`, {}, signal);

/** A copy, for those who have not got it; where all have, for all. */
export const resendEmail = (id: string) => call<Email>("POST", `/emails/${id}/resend`, { body: {} });

/** One that waits is not sent. */
export const deleteEmail = (id: string) => call<void>("DELETE", `/emails/${id}`);

/** A page of the message's HTML alone, which may run nothing and load nothing. */
export const htmlUrl = (id: string) => url(`/emails/${id}/html`);
