/**
 * `npm run bench:doors`: the same answers by each door of the relay, taking turns beside its own WebSockets: CPU and bytes of a delta, and the first
 * token. With one stream a connection all of them; with ten those that carry many.
 */
import { parseArgs } from 'node:util';
import { runProgram } from './program.ts';
import type { Results } from './report/results.ts';
import { saveRun } from './report/save.ts';
import { renderResults } from './report/table.ts';
import { runAll } from './run-all.ts';
import type { Scenario } from './scenario.ts';
import { doors1, doors10 } from './scenarios/doors.ts';
import type { Door } from './subjects/port.ts';
import { relaySubject } from './subjects/relay.ts';
import { HERE } from './worktree.ts';

const OUT = new URL('results/doors', import.meta.url).pathname;

const OWN: Readonly<Record<string, Door>> = {
  '/v1/ws': { kind: 'relay', path: '/v1/ws', headers: {} },
};
const MANY: Readonly<Record<string, Door>> = {
  '/v1/ai-sdk': { kind: 'chats', path: '/v1/ai-sdk', headers: {} },
};
const ONE: Readonly<Record<string, Door>> = {
  '/v1/chat': { kind: 'sse', path: '/v1/chat', headers: {}, asks: 'start' },
  '/v1/ai-sdk/chat': { kind: 'sse', path: '/v1/ai-sdk/chat', headers: {}, asks: 'ui_messages' },
  '/v1/ag-ui': { kind: 'sse', path: '/v1/ag-ui', headers: {}, asks: 'ag_ui' },
};

await runProgram(async (args) => {
  const { values } = parseArgs({ args, options: { repeat: { type: 'string', default: '5' } } });
  const repeat = Number(values.repeat);
  const one = await measure(doors1, { ...OWN, ...MANY, ...ONE }, repeat);
  const ten = await measure(doors10, { ...OWN, ...MANY }, repeat);
  const both = {
    ...one,
    seconds: one.seconds + ten.seconds,
    samples: [...one.samples, ...ten.samples],
    failures: [...one.failures, ...ten.failures],
  };
  const markdown = renderResults(both, [doors1, doors10]);
  saveRun(OUT, both, markdown, []);
  process.stdout.write(`${markdown}\nwritten to ${OUT}\n`);
  return both.failures.length === 0 ? 0 : 1;
});

async function measure(
  scenario: Scenario,
  doors: Readonly<Record<string, Door>>,
  repeat: number,
): Promise<Results> {
  const tree = { entry: 'src/main.ts', nodeOptions: '', directory: HERE };
  const relays = Object.entries(doors).map(([name, door]) => relaySubject({ ...tree, name, door }));
  return await runAll({ scenarios: [scenario], repeat, relays, bundles: [], peers: [] });
}
