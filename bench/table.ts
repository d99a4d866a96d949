/** The results as Markdown. */
import { type Cell, cellOf, type Results, ratioToNginx, verdictOf } from './results.ts';
import type { FigureSpec, Scenario } from './scenario.ts';
import { describeTarget } from './target.ts';

export function renderResults(results: Results, scenarios: readonly Scenario[]): string {
  const { machine, versions } = results;
  const head = [
    `# Benchmark of ${results.startedAt.slice(0, 16).replace('T', ' ')} UTC`,
    '',
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}; ` +
      `all processes share the cores. ${Object.values(versions).join('; ')}. ` +
      `${results.long ? 'Long' : 'Quick'} form, ${results.repeat} ${results.repeat === 1 ? 'run' : 'runs'}, ` +
      `${Math.round(results.seconds)} s.`,
    'Each figure is of the last round (median of the runs, range in brackets where there are several); ' +
      'behind `1st` the first round, which also pays for warm-up.',
  ];
  const failures = results.failures.map(
    ({ scenario, subject, reason }) =>
      `- **${scenario}, ${subject}: no figures.** ${reason.split('\n', 1)[0]}`,
  );
  return [
    ...head,
    ...(failures.length > 0 ? ['', ...failures] : []),
    ...scenarios.map((each) => section(results, each)),
    '',
  ].join('\n');
}

function section(results: Results, scenario: Scenario): string {
  const subjects = [
    ...new Set(results.samples.filter((each) => each.scenario === scenario.name).map((each) => each.subject)),
  ];
  if (subjects.length === 0) return '';
  const relay = subjects.find((subject) => subject.startsWith('relay')) ?? '';
  const compared = subjects.includes('nginx') && relay !== '';
  const heads = ['figure', ...subjects, ...(compared ? [`${relay} ÷ nginx`] : []), 'target', ''];
  const rows = scenario.figures.map((spec) => row(results, scenario, spec, subjects, relay, compared));
  return [
    '',
    `## ${scenario.name}: ${scenario.summary}`,
    '',
    line(heads),
    line(heads.map(() => '---')),
    ...rows.map(line),
  ].join('\n');
}

function row(
  results: Results,
  scenario: Scenario,
  spec: FigureSpec,
  subjects: readonly string[],
  relay: string,
  compared: boolean,
): string[] {
  const ratio = spec.compared === true ? ratioToNginx(results, scenario.name, relay, spec.name) : null;
  const verdict = relay === '' ? null : verdictOf(results, scenario, relay, spec);
  return [
    spec.unit === '' ? spec.label : `${spec.label}, ${spec.unit}`,
    ...subjects.map((subject) => cell(cellOf(results, scenario.name, subject, spec.name))),
    ...(compared ? [ratio === null ? '' : ratio.toFixed(2)] : []),
    spec.target === undefined ? '' : describeTarget(spec.target),
    verdict ?? '',
  ];
}

function cell(value: Cell | null): string {
  if (value === null || Number.isNaN(value.median)) return '';
  const range = value.low === value.high ? '' : ` (${short(value.low)}–${short(value.high)})`;
  const first = short(value.first) === short(value.median) ? '' : `, 1st ${short(value.first)}`;
  return `${short(value.median)}${range}${first}`;
}

/** Three figures, or all digits of a large whole number. */
function short(value: number): string {
  if (value === 0) return '0';
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
