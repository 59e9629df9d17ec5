// Every member of the SDK, as a job in TypeScript uses it: what the compiler must take.

import {
  type Code,
  type Context,
  Failure,
  type Query,
  type Row,
  SandglassError,
  type Table,
  job,
  log,
  parse,
  stringify,
} from '../../../sdk/javascript/index.js';

interface Item {
  n: number | bigint;
  text?: string;
  at?: Date;
  kind?: 'q' | 'r';
}

export const run = job((ctx) => {
  if (ctx.progress !== undefined) return `${ctx.progress}attempt=${ctx.attempt.toFixed()}`;
  log.info(thisRun(ctx));
  const items = ctx.table<Item>('items');
  rows(items);
  const found = queries(items);
  others(ctx);
  ctx.checkpoint(found);
  ctx.checkpoint();
  if (ctx.setting('FAIL', 'no') === 'yes') throw new Failure('again', { retry: true });
  return { found, big: 9007199254740993n, at: ctx.scheduledFor, list: [1, null, true] };
});

/** A job may return nothing. */
export const silent = job(() => {});

function thisRun(ctx: Context): string {
  const late: boolean = ctx.scheduledFor < ctx.now() && ctx.deadline > ctx.now();
  const last: Date | undefined = ctx.lastSuccess;
  const setting: string | undefined = ctx.setting('CITY');
  const text: string | undefined = ctx.inputText;
  const input: { n: bigint } = parse(text ?? '{"n": 1}');
  return [ctx.job, ctx.runId, ctx.trigger, late, last?.toISOString(), setting, input.n, stringify(ctx.input)].join();
}

function rows(items: Table<Item>): void {
  const id: string = items.insert({ n: 1n, at: new Date(0) });
  items.insert({ n: 1 }, 'a');
  const row: Row<Item> | undefined = items.get(id);
  const version: number = row?.version ?? 0;
  items.update('a', { text: null });
  items.update('a', { text: 'b', kind: 'q' }, { ifVersion: version });
  items.put('b', { n: 2, kind: 'r' });
  const there: boolean = items.delete('b') || items.delete('b', { ifVersion: 7 });
  log.debug(there);
}

function queries(items: Table<Item>): string {
  const query: Query<Item> = items
    .query()
    .filter('kind', 'eq', 'q')
    .filter('at', 'lt', new Date())
    .or()
    .filter('id', 'starts-with', 'q')
    .filter('n', 'in', [0, 2n])
    .orderBy('created-at')
    .orderByDescending('n')
    .limit(2);
  const { rows, next } = query.page();
  const after = next === undefined ? [] : [...query.after(next)].map((row) => row.id);
  const sum: number = query.count() + query.delete() + query.deleteUpTo(2);
  return `${rows.length} ${after.join()} ${query.first()?.fields.kind} ${sum}`;
}

function others(ctx: Context): void {
  ctx.email({ to: 'a@example.com', subject: 'a', text: 'b' });
  const id: string = ctx.email({
    to: ['a@example.com'],
    cc: 'b@example.com',
    bcc: ['c@example.com'],
    replyTo: 'd@example.com',
    subject: id0(),
    html: '<p>',
    attachments: [{ fileName: 'a.txt', contentType: 'text/plain', content: new Uint8Array(1) }],
  });
  try {
    const answer = ctx.http('https://example.com/', { method: 'POST', headers: { a: id }, json: { n: 1n }, timeoutMs: 5 });
    const header: string | undefined = answer.ok ? answer.header('x-a') : answer.headers[0]?.[1];
    log.warn(`${answer.status} ${header} ${answer.text()} ${answer.json().a} ${answer.body.length} ${ctx.secret('KEY')}`);
  } catch (error) {
    if (!(error instanceof SandglassError)) throw error;
    const code: Code = error.code;
    if (code === 'denied' || error.retriable) log.error(error.message);
  }
}

const id0 = (): string => 'subject';
