/** Tokens, and who changed what with them. */

import { call, get } from "./client.ts";
import type { AuditEntry, List, MadeToken, NewToken, Token } from "./types.ts";

export const listTokens = (cursor: string | null, limit: number, signal?: AbortSignal) =>
  get<List<Token>>("/tokens", { cursor, limit }, signal);

/** The answer has the token itself, which nobody is told again. */
export const addToken = (token: NewToken) => call<MadeToken>("POST", "/tokens", { body: token });

export const deleteToken = (name: string) => call<void>("DELETE", `/tokens/${encodeURIComponent(name)}`);

export const listAudit = (cursor: string | null, limit: number, signal?: AbortSignal) =>
  get<List<AuditEntry>>("/audit", { cursor, limit }, signal);
