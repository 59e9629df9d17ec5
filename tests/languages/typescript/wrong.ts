// What the compiler must not take. It complains where a line that is announced as wrong is not.

import { type Context, type Run, Failure, job, log } from '../../../sdk/javascript/index.js';

interface Item {
  n: number;
}

export const run: Run = job((ctx: Context) => {
  const items = ctx.table<Item>('items');
  // @ts-expect-error: a member of another type
  items.insert({ n: 'one' });
  // @ts-expect-error: a member that is missing
  items.put('a', {});
  // @ts-expect-error: a member that rows have not
  items.update('a', { m: 1 });
  // @ts-expect-error: a field that rows have not
  items.query().filter('m', 'eq', 1);
  // @ts-expect-error: a value without JSON
  items.query().filter('n', 'eq', () => 1);
  // @ts-expect-error: a row that may not be there
  log.info(items.get('a').fields.n);
  // @ts-expect-error: a setting that may not be there
  const city: string = ctx.setting('CITY');
  // @ts-expect-error: an instant is no number
  const late: number = ctx.deadline;
  // @ts-expect-error: a message without a subject
  ctx.email({ to: 'a@example.com', text: city });
  // @ts-expect-error: an option that requests have not
  ctx.http('https://example.com/', { timeout: late });
  // @ts-expect-error: calls do not wait
  ctx.http('https://example.com/').then(() => {});
  // @ts-expect-error: only a job may be told of its run
  ctx.job = 'other';
  // @ts-expect-error: whether to try again is yes or no
  throw new Failure('a', { retry: 'yes' });
});

// @ts-expect-error: a job does not wait
export const waiting = job(async () => 'a');
// @ts-expect-error: a function is no job
export const bare: Run = () => 'a';
