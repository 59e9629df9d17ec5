/** The outbox. */

import { get, url } from "./client.ts";
import type { Email, List } from "./types.ts";

export const listEmails = (cursor: string | null, limit: number, signal?: AbortSignal) =>
  get<List<Email>>("/emails", { cursor, limit }, signal);

export const getEmail = (id: string, signal?: AbortSignal) => get<Email>(`/emails/${id}`, {}, signal);

/** A page of the message's HTML alone, which may run nothing and load nothing. */
export const htmlUrl = (id: string) => url(`/emails/${id}/html`);
