// Greets whom the run's input names, and counts how often.

import { job, log } from './sandglass/index.js';

interface Greeting {
  count: number;
}

export const run = job((ctx) => {
  const input: { name?: string } = ctx.input ?? {};
  const name = input.name ?? 'world';
  const greetings = ctx.table<Greeting>('greetings');
  const before = greetings.get(name)?.fields.count ?? 0;
  greetings.put(name, { count: before + 1 });
  log.info(`greeting ${name} for the ${before + 1}. time`);
  return `Hello, ${name}!`;
});
