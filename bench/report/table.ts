/** The results as Markdown: the targets first, then every figure of every scenario. */
import type { FigureSpec, Scenario } from '../scenario.ts';
import { shortSpread } from './numbers.ts';
import { type Failure, judge, type Results, spreadOfFigure, subjectsOf } from './results.ts';
import { describeTarget } from './target.ts';

/** Subjects that are held to the targets. */
const OWN = ['relay', 'bundle'];

/** @param plots Markdown of the plots, put behind the targets */
export function renderResults(results: Results, scenarios: readonly Scenario[], plots = ''): string {
  return [
    ...heading(results),
    ...failures(results.failures),
    ...targets(results, scenarios),
    ...unsound(results, scenarios),
    ...(plots === '' ? [] : ['', plots]),
    ...scenarios.flatMap((scenario) => section(results, scenario)),
    '',
  ].join('\n');
}

function heading({ machine, versions, startedAt, repeat, seconds }: Results): readonly string[] {
  return [
    `# Benchmark of ${startedAt.slice(0, 16).replace('T', ' ')} UTC`,
    '',
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}; ` +
      `all processes share the cores. ${Object.values(versions).filter(Boolean).join('; ')}. ` +
      `${repeat} ${repeat === 1 ? 'run' : 'runs'}, ${Math.round(seconds)} s.`,
    '',
    'Each figure is the median of the runs, with the range in brackets.',
  ];
}

function failures(all: readonly Failure[]): readonly string[] {
  const lines = all.map(
    ({ scenario, subject, reason }) =>
      `- **${scenario}, ${subject}: no figures.** ${reason.split('\n', 1)[0]}`,
  );
  return lines.length === 0 ? [] : ['', ...new Set(lines)];
}

function targets(results: Results, scenarios: readonly Scenario[]): readonly string[] {
  const rows = scenarios.flatMap((scenario) =>
    subjectsOf(results, scenario.name)
      .filter((subject) => OWN.includes(subject))
      .flatMap((subject) => targetRows(results, scenario, subject)),
  );
  if (rows.length === 0) return [];
  return ['', '## Targets', '', ...table(['scenario', 'figure', 'target', 'measured', ''], rows)];
}

function targetRows(results: Results, scenario: Scenario, subject: string): readonly (readonly string[])[] {
  const where = subject === 'relay' ? scenario.name : `${scenario.name}, ${subject}`;
  return scenario.figures.flatMap((spec) =>
    (spec.targets ?? []).map((target) => {
      const { measured, verdict } = judge(results, scenario.name, subject, spec, target);
      const marked = verdict === 'missed' ? '**missed**' : verdict;
      return [where, labelOf(spec), describeTarget(target), shortSpread(measured), marked];
    }),
  );
}

/** What makes figures doubtful, of whichever subject. */
function unsound(results: Results, scenarios: readonly Scenario[]): readonly string[] {
  const lines = scenarios.flatMap((scenario) =>
    subjectsOf(results, scenario.name).flatMap((subject) =>
      scenario.figures.flatMap((spec) => {
        if (spec.guard === undefined) return [];
        const { measured, verdict } = judge(results, scenario.name, subject, spec, spec.guard);
        if (verdict !== 'missed') return [];
        const should = `should be ${describeTarget(spec.guard)}`;
        return [`- ${scenario.name}, ${subject}: ${labelOf(spec)}: ${shortSpread(measured)}, ${should}`];
      }),
    ),
  );
  return lines.length === 0 ? [] : ['', '## To be read with care', '', ...lines];
}

function section(results: Results, scenario: Scenario): readonly string[] {
  const subjects = subjectsOf(results, scenario.name);
  if (subjects.length === 0) return [];
  const rows = scenario.figures.map((spec) => [
    labelOf(spec),
    ...subjects.map((subject) => shortSpread(spreadOfFigure(results, scenario.name, subject, spec.name))),
  ]);
  return ['', `## ${scenario.name}: ${scenario.summary}`, '', ...table(['figure', ...subjects], rows)];
}

export function labelOf({ label, unit }: FigureSpec): string {
  return unit === '' ? label : `${label}, ${unit}`;
}

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)];
}
