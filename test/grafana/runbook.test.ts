/** Who is woken finds an entry of the runbook, and what it says to run is there. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LOG_EVENTS, type LogEvent } from '../../src/observability/log-events.ts';
import { alerts } from './rules-file.ts';
import { anchors, entries, runbook } from './runbook-entries.ts';

const PARTS = ['Symptom', 'Causes', 'Run', 'Fix'];

it('every alert says what is wrong, for whom, how urgent it is, and where to read on', () => {
  for (const { alert, labels, annotations } of alerts) {
    expect(['page', 'ticket'], alert).toContain(labels.severity);
    expect(Object.keys(annotations).sort(), alert).toEqual(['description', 'runbook', 'summary']);
    expect(annotations.description, alert).toContain('$labels.job');
  }
});

it('every alert has an entry, which names it with its severity and has every part', () => {
  for (const { alert, labels, annotations } of alerts) {
    const anchor = annotations.runbook.split('docs/runbook.md#')[1];
    const text = entries.find((entry) => entry.anchor === anchor)?.text;
    expect(text, annotations.runbook).toContain(`\`${alert}\` (${labels.severity})`);
    for (const part of PARTS)
      expect(text, `${anchor}: ${part}`).toMatch(new RegExp(`^- \\*\\*${part}\\.\\*\\*`, 'm'));
  }
});

it('no entry names an alert that is not there', () => {
  const named = runbook.match(/`DashRelay\w+`/g) ?? [];
  const known = new Set(alerts.map(({ alert }) => `\`${alert}\``));
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

it('anchors within the runbook lead somewhere, and none is there twice', () => {
  expect(new Set(anchors).size).toBe(anchors.length);
  const linked = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor ?? '');
  expect(linked.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
});

it('commands of the runbook are commands of ours', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const npm = [...runbook.matchAll(/npm run (?:-s )?([a-z][a-z:-]*)/g)].map(([, script]) => script ?? '');
  expect(npm.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
  const cli = readFileSync('src/cli.ts', 'utf8');
  const commands = [...runbook.matchAll(/^ *dash-relay ([a-z]+)|`dash-relay ([a-z]+)/gm)].map(
    ([, line, inline]) => line ?? inline ?? '',
  );
  expect(commands.length).toBeGreaterThan(10);
  expect(commands.filter((command) => !new RegExp(`^  ${command}: \\{`, 'm').test(cli))).toEqual([]);
});

/** Also those of `budget_(spent|reserved)`. */
const searched = [...runbook.matchAll(/"event":"([a-z_]*)(?:\(([a-z_|]+)\))?"/g)].flatMap(
  ([, start = '', ends = '']) => ends.split('|').map((end) => start + end),
);

it('every line of the log that is an error is searched for by an entry', () => {
  const events: readonly LogEvent[] = Object.values(LOG_EVENTS);
  const errors = events.filter(({ levels }) => levels.includes('error')).map(({ name }) => name);
  expect(errors.length).toBeGreaterThan(10);
  expect(errors.filter((name) => !searched.includes(name))).toEqual([]);
});

it('lines of the log that it searches for are of the catalogue', () => {
  const names = new Set<string>(Object.values(LOG_EVENTS).map(({ name }) => name));
  expect(searched.length).toBeGreaterThan(20);
  expect(searched.filter((name) => !names.has(name))).toEqual([]);
});
