/**
 * Jobs for Sandglass, in JavaScript and TypeScript.
 *
 * A module exports its job as `run`, and componentize-qjs makes a component of it. Calls to the host do not wait, so a
 * job needs no async. Rows and emails of an attempt are kept apart until the job returns, and are then committed in one
 * step with the run's success; where it throws, they are dropped.
 */

/** A value that has JSON. Integers that a number cannot hold are bigints, dates are RFC 3339 text. */
export type Json = null | boolean | number | bigint | string | Date | Json[] | { [member: string]: Json | undefined };

/** Parses JSON text: integers beyond 2^53 become bigints. Throws a SyntaxError where it is none. */
export function parse(text: string): any;
/** The JSON text of a value. Throws a TypeError where it has none. */
export function stringify(value: unknown): string;

/** What a module exports as `run`. */
export interface Run {
  run(input?: string | null): string | undefined;
}

/**
 * Makes a function the job of its module: `export const run = job((ctx) => ...)`. What it returns is the run's result:
 * text as it is, anything else as JSON, undefined for none. What it throws becomes the run's failure: a Failure as it
 * says, a SandglassError with another attempt where it may pass, and anything else without one.
 */
export function job(work: (ctx: Context) => Json | undefined | void): Run;

/** Thrown by a job whose work failed. `retry` says whether another attempt is worth it. */
export class Failure extends Error {
  constructor(message: string, options?: { retry?: boolean });
  readonly retry: boolean;
}

/** The codes of errors. An open set: treat one that is new to you as `unavailable`. */
export type Code = 'denied' | 'not-found' | 'conflict' | 'invalid' | 'quota' | 'unavailable' | (string & {});

/** Why a call was not done. The attempt goes on: the job decides what it means to it. */
export class SandglassError extends Error {
  constructor(code: Code, message: string);
  readonly code: Code;
  /** Whether the same call may work in a later attempt. */
  readonly retriable: boolean;
}

/** The run that is going on, and what its job may do. */
export interface Context {
  /** The job's name. */
  readonly job: string;
  /** The same for every attempt of the run: an idempotency key for the outside world. */
  readonly runId: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** schedule, catch-up, backfill, manual, webhook, try, or one that is new. */
  readonly trigger: string;
  /** The occurrence that this run stands for; for a manual or webhook run, when it was asked for. */
  readonly scheduledFor: Date;
  /** The occurrence of the newest run that succeeded, undefined before the first. */
  readonly lastSuccess: Date | undefined;
  /** When the attempt will be ended as a timeout. */
  readonly deadline: Date;
  /** What the caller of a manual or webhook run sent, parsed; undefined for a scheduled one. */
  readonly input: any;
  /** The same as JSON text. */
  readonly inputText: string | undefined;
  /** What the newest checkpoint of this run left, in this attempt or one before it. */
  readonly progress: string | undefined;
  /** The host's wall clock. It can jump. */
  now(): Date;
  /** A value of the specification's `[env]`, or `otherwise`. */
  setting(name: string): string | undefined;
  setting(name: string, otherwise: string): string;
  /**
   * Commits what the attempt wrote so far, and its emails, together with `progress`. It returns once that is durable:
   * the next attempt of the run starts from here. Where the commit cannot be had, it does not return.
   */
  checkpoint(progress?: string): void;
  /** Opens a table. `denied` where the job has no grant for it. */
  table<Fields extends object = Record<string, any>>(name: string): Table<Fields>;
  /** Sends mail when the attempt commits, and returns its Message-ID. */
  email(message: Email): string;
  /** Sends a request to a host that the job was granted, and waits for the whole answer. */
  http(url: string, options?: RequestOptions): Response;
  /** A secret's newest value. `denied` where it is not granted, or was never set. */
  secret(name: string): string;
}

/** One row. `version` is 0 while it is not committed. */
export interface Row<Fields> {
  readonly id: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly fields: Fields;
}

/** A table that the job was granted. It may not exist yet: the first insert makes it. */
export class Table<Fields extends object = Record<string, any>> {
  private constructor();
  readonly name: string;
  /** Adds a row and returns its id: the one given, or one made. `conflict` where it is there. */
  insert(fields: Fields, id?: string): string;
  /** One row by its id, undefined where there is no such row. */
  get(id: string): Row<Fields> | undefined;
  /** Puts a row under an id, in place of what is there. */
  put(id: string, fields: Fields): void;
  /** Merges members into a row (RFC 7396: null removes one). `not-found` where there is no such row. */
  update(id: string, changes: { [Member in keyof Fields]?: Fields[Member] | null }, options?: { ifVersion?: number }): void;
  /** Deletes a row and says whether there was one. */
  delete(id: string, options?: { ifVersion?: number }): boolean;
  /** Begins a query of every row. */
  query(): Query<Fields>;
}

/** How a member is compared: `in` takes an array, `exists` a boolean, dates compare as instants. */
export type Operator = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'starts-with' | 'in' | 'exists' | (string & {});

/** What can be filtered and ordered by: the members of a row, and what every row has. */
export type Field<Fields> = (keyof Fields & string) | 'id' | 'version' | 'created-at' | 'updated-at';

/**
 * Which rows of a table, in which order. Conditions that follow one another must all hold; `or` begins another group of
 * them, and a row matches where one group does. It can be iterated: rows come page by page.
 */
export class Query<Fields> implements Iterable<Row<Fields>> {
  private constructor();
  filter(field: Field<Fields>, operator: Operator, value: Json): this;
  or(): this;
  orderBy(field: Field<Fields>): this;
  orderByDescending(field: Field<Fields>): this;
  /** At most so many rows. */
  limit(rows: number): this;
  /** Begins where a page of the same filter and order ended. */
  after(cursor: string): this;
  /** One page: up to 1,000 rows, 4 MiB together. */
  page(): { rows: Row<Fields>[]; next: string | undefined };
  [Symbol.iterator](): Iterator<Row<Fields>>;
  first(): Row<Fields> | undefined;
  /** How many rows match, whatever the limit. */
  count(): number;
  /** Deletes every row that matches. `quota` where they are more than one commit may write. */
  delete(): number;
  /** Deletes so many of the rows that match, in the order of their ids. */
  deleteUpTo(rows: number): number;
}

/** A message. The host sets From, Date and Message-ID. It needs a recipient, and a text or HTML. */
export interface Email {
  to?: string | string[];
  cc?: string | string[];
  bcc?: string | string[];
  replyTo?: string;
  subject: string;
  text?: string;
  html?: string;
  attachments?: { fileName: string; contentType: string; content: string | Uint8Array }[];
}

export interface RequestOptions {
  /** `GET` unless given. */
  method?: string;
  headers?: Record<string, string> | [string, string][];
  body?: string | Uint8Array;
  /** Sent as the body, with its content type. */
  json?: Json;
  /** From the call to the last byte of the answer. */
  timeoutMs?: number;
}

/** An answer, whatever its status. Redirects are answers too: they are not followed. */
export class Response {
  private constructor();
  readonly status: number;
  /** Whether the status is 2xx. */
  readonly ok: boolean;
  readonly headers: [string, string][];
  readonly body: Uint8Array;
  /** The first header of a name, however it is spelt. */
  header(name: string): string | undefined;
  text(): string;
  json(): any;
}

/** Adds lines to the run's log. */
export const log: Record<'trace' | 'debug' | 'info' | 'warn' | 'error', (message: unknown) => void>;
