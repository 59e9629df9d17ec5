// Every call of the contract, and what came of each: ../../../guests/conformance in JavaScript.

import { Failure, SandglassError, job, log } from '../../../../sdk/javascript/index.js';

let lines = '';

function add(name, value) {
  lines += `${name}=${value}\n`;
}

function code(name, work) {
  try {
    work();
    add(name, 'ok');
  } catch (error) {
    if (!(error instanceof SandglassError)) throw error;
    add(name, error.code);
  }
}

const maybe = (value) => value ?? 'none';
const ids = (rows) => [...rows].map((row) => row.id).join(',');

export const run = job((ctx) => {
  if (ctx.progress !== undefined) return `${ctx.progress}attempt=${ctx.attempt}`;
  thisRun(ctx);
  rows(ctx);
  queries(ctx);
  others(ctx);
  ctx.checkpoint(lines);
  add('kept', ctx.progress === lines);
  ctx.checkpoint(lines);
  throw new Failure('again', { retry: true });
});

function thisRun(ctx) {
  add('job', ctx.job);
  add('run-id', ctx.runId.length);
  add('attempt', ctx.attempt);
  add('trigger', ctx.trigger);
  add('scheduled-for', ctx.scheduledFor <= ctx.now());
  add('last-success', maybe(ctx.lastSuccess));
  add('deadline', ctx.deadline > ctx.now());
  add('setting', maybe(ctx.setting('CITY')));
  add('no-setting', maybe(ctx.setting('NOTHING')));
  add('input', maybe(ctx.inputText));
  add('progress', maybe(ctx.progress));
  for (const level of ['trace', 'debug', 'info', 'warn', 'error']) log[level](`${level} ü`);
}

function rows(ctx) {
  const items = ctx.table('items');
  const row = { n: 9007199254740993n, text: 'Grüße 🌍', at: new Date(1769848200123) };
  code('insert', () => items.insert(row, 'a'));
  code('insert-again', () => items.insert(row, 'a'));
  add('insert-made', items.insert({ n: 1 }).length > 0);
  let there = items.get('a');
  add('get', `${there.fields.n} ${there.fields.text} ${there.fields.at}`);
  add('get-version', there.version);
  add('get-instants', there.createdAt.getTime() === there.updatedAt.getTime() && there.createdAt <= ctx.now());
  add('get-missing', maybe(items.get('nobody')?.id));
  code('update', () => items.update('a', { extra: true, text: null }));
  there = items.get('a');
  add('updated', `${there.fields.extra} ${'text' in there.fields}`);
  code('update-missing', () => items.update('nobody', {}));
  code('update-version', () => items.update('a', {}, { ifVersion: 7 }));
  code('put', () => items.put('b', { n: 2 }));
  items.put('large', { text: 'x'.repeat(Number(ctx.setting('LARGE'))) });
  add('large', items.get('large').fields.text.length);
  code('too-large', () => items.put('large', { text: 'x'.repeat(300000) }));
  code('delete-version', () => items.delete('b', { ifVersion: 7 }));
  add('delete', items.delete('b'));
  add('delete-again', items.delete('b'));
}

function queries(ctx) {
  const items = ctx.table('items');
  for (let n = 0; n < 5; n++) items.put(`q${n}`, { n, kind: 'q' });
  const ofKind = () => items.query().filter('kind', 'eq', 'q');
  const largest = () => ofKind().filter('n', 'ge', 1).orderByDescending('n').limit(2);
  const page = largest().page();
  add('page', `${ids(page.rows)} ${page.next !== undefined}`);
  add('page-after', ids(largest().after(page.next).page().rows));
  add('or', ids(ofKind().filter('n', 'lt', 1).or().filter('n', 'gt', 3).filter('kind', 'eq', 'q').orderBy('id')));
  add('first', maybe(ofKind().orderByDescending('id').first()?.id));
  add('in', ofKind().filter('n', 'in', [0, 2]).count());
  add('exists', items.query().filter('kind', 'exists', true).count());
  add('starts-with', items.query().filter('id', 'starts-with', 'q').count());
  add('instant', items.query().filter('at', 'lt', new Date(1769848200124)).count());
  code('bad-value', () => items.query().filter('n', 'in', 5).count());
  add('delete-up-to', ofKind().deleteUpTo(2));
  add('delete-where', ofKind().delete());
  many(ctx);
  code('denied-table', () => ctx.table('others'));
  const readOnly = ctx.table('readonly');
  add('read-only', readOnly.query().count());
  code('denied-write', () => readOnly.insert({}));
}

// More rows than a page has, where the test says so.
function many(ctx) {
  const items = ctx.table('items');
  const rows = Number(ctx.setting('MANY'));
  for (let n = 0; n < rows; n++) items.put(`m${n}`, { n, kind: 'm', text: 'x'.repeat(1000) });
  const ofKind = () => items.query().filter('kind', 'eq', 'm');
  const found = [...ofKind().orderBy('n')];
  add('many', `${found.length} ${found.reduce((sum, row) => sum + row.fields.n, 0)}`);
  add('many-gone', ofKind().delete());
}

function others(ctx) {
  const message = { subject: 'Grüße 🌍', text: 'Hello', html: '<p>Hello', replyTo: 'ops@example.com' };
  code('email-denied', () => ctx.email({ ...message, to: 'somebody@example.org' }));
  code('email-invalid', () => ctx.email(message));
  const id = ctx.email({
    ...message,
    to: ['Team <team@example.com>'],
    cc: 'team@example.com',
    bcc: 'team@example.com',
    attachments: [{ fileName: 'a.txt', contentType: 'text/plain', content: 'ü' }],
  });
  add('email', id.length > 0);
  code('email-quota', () => ctx.email({ ...message, to: 'team@example.com' }));
  add('secret', ctx.secret('API_KEY').length);
  code('secret-denied', () => ctx.secret('OTHER_KEY'));
  const request = { method: 'POST', headers: { 'x-a': 'b' }, body: 'ü' };
  code('http-denied', () => ctx.http('http://denied.example/', request));
  const answer = ctx.http(ctx.setting('ECHO'), { ...request, timeoutMs: 10_000 });
  add('http', `${answer.status} ${answer.header('X-A')} ${answer.text()}`);
  code('http-unavailable', () => ctx.http(ctx.setting('GONE')));
}
