/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios/all.ts';

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly long: boolean;
  readonly repeat: number;
  /** Checkouts to measure, the first is the one the ratios are of. */
  readonly directories: readonly string[];
  /** NODE_OPTIONS of the relay; empty for none. */
  readonly nodeOptions: string;
  readonly jsonFile: string | undefined;
}

export const USAGE = `npm run bench -- [scenario …] [options]
  --long          longer rounds, more connections, and the scenarios marked (long)
  --repeat N      run everything N times, the subjects taking turns; medians and spread are shown
  --relay DIR     the checkout to measure (default: this one); given twice, both, side by side
  --node-options='--cpu-prof --cpu-prof-dir=/tmp/profile'  NODE_OPTIONS of the relay alone
  --json FILE     also write the results there
scenarios:
${scenarios.map(({ name, summary, longOnly }) => `  ${name.padEnd(14)}${summary}${longOnly ? ' (long)' : ''}`).join('\n')}
`;

const HERE = new URL('..', import.meta.url).pathname;

/** @throws Error that says which argument is wrong. `null`: help was asked for. */
export function readOptions(args: string[]): Options | null {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      long: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '1' },
      relay: { type: 'string', multiple: true },
      'node-options': { type: 'string', default: '' },
      json: { type: 'string' },
    },
  });
  if (values.help) return null;
  const repeat = Number(values.repeat);
  if (!Number.isInteger(repeat) || repeat < 1) throw new Error('--repeat: a whole number from 1');
  return {
    scenarios: chosen(positionals, values.long),
    long: values.long,
    repeat,
    directories: values.relay ?? [HERE],
    nodeOptions: values['node-options'],
    jsonFile: values.json,
  };
}

function chosen(names: readonly string[], long: boolean): readonly Scenario[] {
  if (names.length === 0) return scenarios.filter((scenario) => long || scenario.longOnly !== true);
  return names.map((name) => {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found === undefined) throw new Error(`no scenario is called ${name}\n${USAGE}`);
    return found;
  });
}
