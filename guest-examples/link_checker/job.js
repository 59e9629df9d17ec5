// Asks for every link of a table, notes in its row what came back, and mails those that broke since the last time.

import { SandglassError, job, log } from '../../sdk/javascript/index.js';

const TIMEOUT_MS = 10_000;
const ROWS_PER_CHECKPOINT = 20;

export const run = job((ctx) => {
  const links = ctx.table('links');
  const { after = '', checked: before = 0, broken = [] } = JSON.parse(ctx.progress ?? '{}');
  let checked = before;
  for (const row of links.query().filter('id', 'gt', after).orderBy('id')) {
    const found = check(ctx, row.fields.url);
    if (!found.ok && row.fields.ok !== false) broken.push(`${row.fields.url}: ${found.error ?? found.status}`);
    links.update(row.id, { ...found, checked_at: ctx.now() });
    checked += 1;
    // What was asked for is not asked for again, whatever happens to the rest.
    if (checked % ROWS_PER_CHECKPOINT === 0) ctx.checkpoint(JSON.stringify({ after: row.id, checked, broken }));
  }
  if (broken.length > 0) {
    ctx.email({
      to: ctx.setting('REPORT_TO', 'web@example.com'),
      subject: `${broken.length} of ${checked} links are broken`,
      text: broken.join('\n'),
    });
  }
  return `${checked} links, ${broken.length} newly broken`;
});

function check(ctx, url) {
  try {
    const response = ctx.http(url, { method: 'HEAD', timeoutMs: TIMEOUT_MS });
    return { ok: response.status < 400, status: response.status, error: null };
  } catch (error) {
    if (!(error instanceof SandglassError)) throw error;
    log.warn(`${url}: ${error.message}`);
    return { ok: false, status: null, error: error.code };
  }
}
