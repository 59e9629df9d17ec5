// Jobs for Sandglass, in JavaScript and TypeScript. index.d.ts documents what is here.

import * as thisRun from 'sandglass:job/this-run@0.1.0';
import * as hostLog from 'sandglass:job/log@0.1.0';
import * as hostTable from 'sandglass:job/table@0.1.0';
import * as hostEmail from 'sandglass:job/email@0.1.0';
import * as hostHttp from 'sandglass:job/http@0.1.0';
import * as hostSecret from 'sandglass:job/secret@0.1.0';
import { parse, stringify } from './json.js';
import { randomOf } from './random.js';
import { decode, encode } from './utf8.js';

export { parse, stringify };

export class SandglassError extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'SandglassError';
    this.code = code;
  }

  get retriable() {
    return !['denied', 'not-found', 'conflict', 'invalid', 'quota'].includes(this.code);
  }
}

export class Failure extends Error {
  constructor(message, { retry = false } = {}) {
    super(message);
    this.name = 'Failure';
    this.retry = retry;
  }
}

/** Calls the host. What it answers as an error is thrown as one. */
function call(work) {
  try {
    return work();
  } catch (error) {
    const told = error?.payload ?? error;
    if (told && typeof told === 'object' && typeof told.code === 'string' && !(told instanceof Error)) {
      throw new SandglassError(told.code, told.message);
    }
    throw error;
  }
}

function json(value) {
  try {
    return stringify(value);
  } catch (error) {
    throw new SandglassError('invalid', `this value has no JSON: ${error.message}`);
  }
}

const date = (millis) => new Date(Number(millis));
const maybe = (value) => (value === null ? undefined : value);

function rowOf(row) {
  return {
    id: row.id,
    version: Number(row.version),
    createdAt: date(row.createdAt),
    updatedAt: date(row.updatedAt),
    fields: parse(row.fields),
  };
}

export class Query {
  #table;
  #groups = [[]];
  #order = [];
  #limit;
  #cursor;

  constructor(table) {
    this.#table = table;
  }

  filter(field, operator, value) {
    this.#groups.at(-1).push({ field, operator, value: json(value) });
    return this;
  }

  or() {
    this.#groups.push([]);
    return this;
  }

  orderBy(field) {
    this.#order.push({ field, descending: false });
    return this;
  }

  orderByDescending(field) {
    this.#order.push({ field, descending: true });
    return this;
  }

  limit(rows) {
    this.#limit = rows;
    return this;
  }

  after(cursor) {
    this.#cursor = cursor;
    return this;
  }

  #filter() {
    return this.#groups.filter((group) => group.length > 0);
  }

  #page(cursor, limit) {
    const query = { filter: this.#filter(), order: this.#order, limit, cursor };
    const page = call(() => this.#table.query(query));
    return { rows: page.rows.map(rowOf), next: maybe(page.next) };
  }

  page() {
    return this.#page(this.#cursor, this.#limit ?? 0);
  }

  *[Symbol.iterator]() {
    let cursor = this.#cursor;
    let left = this.#limit ?? Infinity;
    while (left > 0) {
      const page = this.#page(cursor, Number.isFinite(left) ? left : 0);
      for (const row of page.rows) {
        if (left-- <= 0) return;
        yield row;
      }
      cursor = page.next;
      if (cursor === undefined) return;
    }
  }

  first() {
    for (const row of this) return row;
    return undefined;
  }

  count() {
    return Number(call(() => this.#table.count(this.#filter())));
  }

  delete() {
    return Number(call(() => this.#table.deleteWhere(this.#filter(), 0xffffffff)));
  }

  deleteUpTo(rows) {
    return rows > 0 ? Number(call(() => this.#table.deleteWhere(this.#filter(), rows))) : 0;
  }
}

export class Table {
  #host;

  constructor(name) {
    this.name = name;
    this.#host = call(() => hostTable.open(name));
  }

  insert(fields, id) {
    return call(() => this.#host.insert(json(fields), id));
  }

  get(id) {
    const row = call(() => this.#host.get(id));
    return row == null ? undefined : rowOf(row);
  }

  put(id, fields) {
    call(() => this.#host.put(id, json(fields)));
  }

  update(id, changes, { ifVersion } = {}) {
    call(() => this.#host.update(id, json(changes), ifVersion));
  }

  delete(id, { ifVersion } = {}) {
    return call(() => this.#host.delete(id, ifVersion));
  }

  query() {
    return new Query(this.#host);
  }
}

const bytes = (content) => (typeof content === 'string' ? encode(content) : content);
const list = (value) => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

function sendEmail(message) {
  return call(() =>
    hostEmail.send({
      to: list(message.to),
      cc: list(message.cc),
      bcc: list(message.bcc),
      replyTo: message.replyTo,
      subject: message.subject ?? '',
      text: message.text,
      html: message.html,
      attachments: list(message.attachments).map((attachment) => ({
        fileName: attachment.fileName,
        contentType: attachment.contentType,
        content: bytes(attachment.content),
      })),
    }),
  );
}

export class Response {
  constructor(response) {
    this.status = response.status;
    this.headers = response.headers;
    this.body = response.body instanceof Uint8Array ? response.body : new Uint8Array(response.body);
  }

  get ok() {
    return this.status >= 200 && this.status < 300;
  }

  header(name) {
    const wanted = name.toLowerCase();
    return this.headers.find(([there]) => there.toLowerCase() === wanted)?.[1];
  }

  text() {
    return decode(this.body);
  }

  json() {
    return parse(this.text());
  }
}

function sendRequest(url, { method = 'GET', headers = {}, body, json: value, timeoutMs } = {}) {
  const pairs = Array.isArray(headers) ? [...headers] : Object.entries(headers);
  if (value !== undefined) {
    pairs.push(['content-type', 'application/json']);
    body = json(value);
  }
  const request = {
    method,
    url,
    headers: pairs,
    body: body === undefined ? undefined : bytes(body),
    timeoutMs,
  };
  return new Response(call(() => hostHttp.send(request)));
}

const text = (message) => (typeof message === 'string' ? message : String(message));

export const log = {
  trace: (message) => hostLog.write('trace', text(message)),
  debug: (message) => hostLog.write('debug', text(message)),
  info: (message) => hostLog.write('info', text(message)),
  warn: (message) => hostLog.write('warn', text(message)),
  error: (message) => hostLog.write('error', text(message)),
};

class Context {
  #input;

  constructor(input) {
    this.#input = input;
  }

  get job() {
    return thisRun.job();
  }

  get runId() {
    return thisRun.runId();
  }

  get attempt() {
    return thisRun.attempt();
  }

  get trigger() {
    return thisRun.trigger();
  }

  get scheduledFor() {
    return date(thisRun.scheduledFor());
  }

  get lastSuccess() {
    const instant = thisRun.lastSuccess();
    return instant == null ? undefined : date(instant);
  }

  get deadline() {
    return date(thisRun.deadline());
  }

  get inputText() {
    return maybe(this.#input);
  }

  get input() {
    return this.#input == null ? undefined : parse(this.#input);
  }

  get progress() {
    return maybe(thisRun.progress());
  }

  now() {
    return date(thisRun.now());
  }

  setting(name, otherwise) {
    return thisRun.setting(name) ?? otherwise;
  }

  checkpoint(progress) {
    thisRun.checkpoint(progress);
  }

  table(name) {
    return new Table(name);
  }

  email(message) {
    return sendEmail(message);
  }

  http(url, options) {
    return sendRequest(url, options);
  }

  secret(name) {
    return call(() => hostSecret.get(name));
  }
}

function failed(error) {
  if (error instanceof Failure) return { retry: error.retry, message: error.message };
  if (error instanceof SandglassError) {
    return { retry: error.retriable, message: `${error.code}: ${error.message}` };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (error?.stack) log.error(`${message}\n${error.stack}`);
  return { retry: false, message };
}

export function job(work) {
  return {
    run(input) {
      try {
        Math.random = randomOf(`${thisRun.runId()} ${thisRun.attempt()}`);
        const result = work(new Context(input));
        if (typeof result?.then === 'function') {
          throw new Failure('the job returned a promise: calls to the host do not wait, so it needs no async');
        }
        if (result === undefined || result === null) return undefined;
        return typeof result === 'string' ? result : json(result);
      } catch (error) {
        throw failed(error);
      }
    },
  };
}
