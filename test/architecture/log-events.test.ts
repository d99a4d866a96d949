/** The catalogue of log lines: no name twice, in the runbook as it is in the code, and every message of it written somewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { withLogEvents } from '../../scripts/document-log-events.ts';
import { COMMON_FIELDS, LOG_EVENTS } from '../../src/observability/log-events.ts';

const events = Object.values(LOG_EVENTS);

it('the runbook has every line of the log', () => {
  const runbook = readFileSync('docs/runbook.md', 'utf8');
  expect(withLogEvents(runbook)).toBe(runbook);
});

it('each has a name of its own, and fields that others cannot be taken for', () => {
  const names = events.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, fields } of events) {
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(new Set([...COMMON_FIELDS, ...fields]).size, name).toBe(COMMON_FIELDS.length + fields.length);
  }
});

it('each is written by the code', () => {
  const code = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('log-events.ts'))
    .map((path) => readFileSync(`src/${path}`, 'utf8'))
    .join('\n');
  const unwritten = Object.keys(LOG_EVENTS).filter((message) => !code.includes(message));
  expect(unwritten).toEqual([]);
});
