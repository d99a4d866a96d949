/** `npm run bench:parsers`: the worst case of every parser of what strangers send. With `--all` every shape of each. */
import { judge, type ShapeCost, type Verdict } from './parsers/measure.ts';
import { parsers } from './parsers/parsers.ts';
import { runProgram } from './program.ts';

const EFFORT = { rounds: 7, roundMs: 3 } as const;

await runProgram(async (args) => {
  const showAll = args.includes('--all');
  const verdicts = judge(parsers, EFFORT);
  process.stdout.write(table(verdicts));
  if (showAll) for (const { parser, costs } of verdicts) process.stdout.write(`\n${allOf(parser, costs)}`);
  return 0;
});

function table(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map(
    ({ parser, honest, worst, ratio }) =>
      `| ${parser} | ${figure(honest.cost)} | ${worst.shape} | ${figure(worst.cost)} | ${figure(ratio)} |`,
  );
  const head =
    '| parser | honest, µs/KiB | worst shape | µs/KiB | times a conversation |\n|---|--:|---|--:|--:|\n';
  return `## Worst case of all parsers\n\n${head}${lines.join('\n')}\n`;
}

function allOf(name: string, costs: readonly ShapeCost[]): string {
  const lines = costs
    .toSorted((left, right) => right.cost - left.cost)
    .map(
      ({ shape, honest, kib, cost }) =>
        `| ${shape}${honest ? ' (honest)' : ''} | ${figure(kib)} | ${figure(cost)} |`,
    );
  return `### ${name}\n\n| shape | KiB | µs/KiB |\n|---|--:|--:|\n${lines.join('\n')}\n`;
}

function figure(value: number): string {
  return value.toPrecision(3);
}
