/** The command line of `npm run bench`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios/all.ts';

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly repeat: number;
  /** The checkout to measure. */
  readonly directory: string;
  /** NODE_OPTIONS of the relay; empty for none. */
  readonly nodeOptions: string;
  readonly peers: 'all' | readonly [];
  /** Where the results go. */
  readonly out: string;
}

/** Of all short scenarios; of named ones once. */
const REPEATS = 5;
const HERE = new URL('..', import.meta.url).pathname;
const RESULTS = new URL('results/', import.meta.url).pathname;

export const USAGE = `npm run bench -- [scenario …] [options]
  without a scenario: all that have no time behind them, five times, the subjects taking turns
  --repeat N      so many times; medians and ranges are shown
  --no-peers      the relay alone
  --relay DIR     another checkout of the relay (its dependencies installed)
  --node-options='--cpu-prof --cpu-prof-dir=/tmp/profile'  NODE_OPTIONS of the relay alone
  --out DIR       where results.json, results.md and the plots go (default: bench/results/…)
scenarios:
${scenarios.map(described).join('\n')}
`;

/** @throws Error that says which argument is wrong. `null`: help was asked for. */
export function readOptions(args: string[]): Options | null {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      repeat: { type: 'string' },
      'no-peers': { type: 'boolean', default: false },
      relay: { type: 'string', default: HERE },
      'node-options': { type: 'string', default: '' },
      out: { type: 'string' },
    },
  });
  if (values.help) return null;
  const named = positionals.length > 0;
  const repeat = Number(values.repeat ?? (named ? 1 : REPEATS));
  if (!Number.isInteger(repeat) || repeat < 1) throw new Error('--repeat: a whole number from 1');
  return {
    scenarios: named ? positionals.map(scenarioNamed) : scenarios.filter((each) => !each.byNameOnly),
    repeat,
    directory: resolve(values.relay),
    nodeOptions: values['node-options'],
    peers: values['no-peers'] ? [] : 'all',
    out: resolve(values.out ?? `${RESULTS}${named ? positionals.join('+') : 'all'}`),
  };
}

/** @throws Error with the names there are */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`no scenario is called ${name}\n${USAGE}`);
  return found;
}

function described({ name, summary, byNameOnly }: Scenario): string {
  return `  ${name.padEnd(14)}${summary}${byNameOnly === undefined ? '' : ` (${byNameOnly})`}`;
}
