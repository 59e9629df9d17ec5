// Greets whom the run's input names, and counts how often.

import { job, log } from './sandglass/index.js';

export const run = job((ctx) => {
  const name = ctx.input?.name ?? 'world';
  const greetings = ctx.table('greetings');
  const before = greetings.get(name)?.fields.count ?? 0;
  greetings.put(name, { count: before + 1 });
  log.info(`greeting ${name} for the ${before + 1}. time`);
  return `Hello, ${name}!`;
});
