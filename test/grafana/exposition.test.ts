/** What a live relay exposes, as Prometheus's own linter reads it. */
import { execFile } from 'node:child_process';
import { expect, it } from 'vitest';
import { ask } from '../support/http-doors.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';
import { promtool } from './prometheus.ts';

/** Names of the library's, which whoever scrapes Node knows: gauges that end as counters do. */
const KNOWN =
  /^dash_nodejs_active_(handles|requests|resources)_total non-counter metrics should not have "_total" suffix$/;

it('promtool finds no fault that is ours', async () => {
  expect(await promtool('--version')).toContain('promtool');
  await using relay = await startSimulatedRelay();
  const { body } = await ask(`${relay.url}/metrics`);
  const complaints = await lint(body);
  expect(complaints.filter((line) => !KNOWN.test(line))).toEqual([]);
  expect(await lint(`${body}\n# TYPE mine counter\nmine 1\n`)).toContainEqual(
    expect.stringContaining('mine'),
  );
});

/** It ends with 3 where it complains. */
async function lint(exposed: string): Promise<string[]> {
  return await new Promise((resolve, reject) => {
    const linter = execFile('promtool', ['check', 'metrics'], (error, out, said) => {
      if (error !== null && error.code !== 3) reject(error);
      else resolve(`${out}${said}`.split('\n').filter((line) => line.trim() !== ''));
    });
    linter.stdin?.end(exposed);
  });
}
