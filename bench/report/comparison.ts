/** Two checkouts side by side, as Markdown: each figure before and after, and whether it changed beyond noise. */
import type { Scenario } from '../scenario.ts';
import { short, shortSpread } from './numbers.ts';
import { pairedRatios, type Results, spreadOfFigure } from './results.ts';
import { changeOf, median } from './statistics.ts';
import { labelOf, table } from './table.ts';

/** @param names of the subjects, the newer first */
export function renderComparison(
  results: Results,
  scenarios: readonly Scenario[],
  [after, before]: readonly [string, string],
): string {
  const heads = ['figure', before, after, `${after} ÷ ${before}`, ''];
  return [
    `# ${after} beside ${before}`,
    '',
    `${Object.values(results.versions).join('; ')}. ${results.repeat} pairs, taking turns. ` +
      '`more` and `less` stand where every pair says so and the median differs by 2 %.',
    ...scenarios.flatMap((scenario) => {
      const rows = scenario.figures.flatMap(({ name, ...spec }) => {
        const ratios = pairedRatios(results, scenario.name, [after, before], name);
        if (ratios.length === 0) return [];
        const spread = (subject: string) =>
          shortSpread(spreadOfFigure(results, scenario.name, subject, name));
        const change = changeOf(ratios);
        const marked = change === 'less' || change === 'more' ? `**${change}**` : change;
        return [[labelOf({ name, ...spec }), spread(before), spread(after), short(median(ratios)), marked]];
      });
      return rows.length === 0
        ? []
        : ['', `## ${scenario.name}: ${scenario.summary}`, '', ...table(heads, rows)];
    }),
    '',
  ].join('\n');
}
