/** Two checkouts side by side, as Markdown: each figure before and after, and whether it changed beyond noise. */
import type { Scenario } from '../scenario.ts';
import { shortSpread } from './numbers.ts';
import { pairedRatios, type Results, spreadOfFigure, subjectsOf } from './results.ts';
import { changeOf, spreadOf } from './statistics.ts';
import { labelOf, table } from './table.ts';

/**
 * @param names of the subjects, the newer first
 * @param peer a third that was measured beside them; scenarios without it have no columns for it
 */
export function renderComparison(
  results: Results,
  scenarios: readonly Scenario[],
  names: readonly [string, string],
  peer?: string,
): string {
  const [after, before] = names;
  return [
    `# ${after} beside ${before}`,
    '',
    `${Object.values(results.versions).join('; ')}. ${results.repeat} pairs, taking turns. ` +
      '`more` and `less` stand where every pair says so and the median differs by 2 %.',
    ...scenarios.flatMap((scenario) => section(results, scenario, names, peer)),
    '',
  ].join('\n');
}

function section(
  results: Results,
  scenario: Scenario,
  [after, before]: readonly [string, string],
  peer: string | undefined,
): readonly string[] {
  const peers = subjectsOf(results, scenario.name).filter((name) => name === peer);
  const rows = scenario.figures.flatMap((spec) => {
    const ratiosTo = (other: string) => pairedRatios(results, scenario.name, [after, other], spec.name);
    const ratios = ratiosTo(before);
    if (ratios.length === 0) return [];
    const spread = (subject: string) =>
      shortSpread(spreadOfFigure(results, scenario.name, subject, spec.name));
    const change = changeOf(ratios);
    const marked = change === 'less' || change === 'more' ? `**${change}**` : change;
    const besidePeer = peers.flatMap((name) => [spread(name), ratioOf(ratiosTo(name))]);
    return [[labelOf(spec), spread(before), spread(after), ratioOf(ratios), marked, ...besidePeer]];
  });
  const heads = ['figure', before, after, `${after} ÷ ${before}`, ''];
  const all = [...heads, ...peers.flatMap((name) => [name, `${after} ÷ ${name}`])];
  return rows.length === 0 ? [] : ['', `## ${scenario.name}: ${scenario.summary}`, '', ...table(all, rows)];
}

function ratioOf(ratios: readonly number[]): string {
  return ratios.length === 0 ? '' : shortSpread(spreadOf(ratios));
}
