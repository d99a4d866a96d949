/**
 * `npm run bench:caching`: what conversations cost with and without prompt caching, by the counts of the simulated model and
 * the prices of today, and where caching costs more. The real relay asks; a pause between questions is the simulator's
 * clock moved by hand. Equal trees and prices give equal figures.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDashClient } from '../src/client/index.ts';
import type { CacheSetting } from '../src/models/cache.ts';
import { ModelTable } from '../src/models/model-table.ts';
import { loadPrices } from '../src/pricing/prices.ts';
import { UNPACED } from '../src/simulator/pacer.ts';
import { startSimulator } from '../src/simulator/simulator.ts';
import { AdvancedClock, type Bill, billOf, type Stage, words } from './caching/bill.ts';
import {
  type Conversation,
  DEARER,
  ON_EACH_MODEL,
  SYSTEM_TOKENS,
  type SystemSize,
  TEN_TURNS,
} from './caching/conversations.ts';
import { startDevelopmentRelay } from './development-relay.ts';
import { runProgram } from './program.ts';
import { table } from './report/table.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { HERE } from './worktree.ts';

const MODEL = 'claude-sonnet-5-5';
const SETTINGS = ['off', '5m', '1h'] as const satisfies readonly CacheSetting[];
const SIZES = Object.keys(SYSTEM_TOKENS) as SystemSize[];
const HEADS = [
  ...['last prompt, tokens', 'off, US dollars', '5m, US dollars', 'saved', 'of the prompts'],
  ...['1h, US dollars', 'saved'],
];

await runProgram(async () => {
  const clock = new AdvancedClock();
  const simulator = await startSimulator({ pace: UNPACED, clock });
  using files = temporaryDirectory('caching');
  const actionsFile = join(files.path, 'actions.json');
  writeFileSync(actionsFile, JSON.stringify(actions()));
  try {
    await using relay = await startDevelopmentRelay(HERE, simulator, {
      ACTIONS_FILE: actionsFile,
      SHOW_COST: 'true',
      FRAMES_PER_MINUTE: '1000000',
    });
    const client = createDashClient({ url: relay.url, getToken: () => relay.token });
    await report({ client, simulator, clock, prices: loadPrices() });
    client.close();
  } finally {
    await simulator.close();
  }
  return 0;
});

/** One for each setting and size of the server's prompt; none begins as another does. */
function actions(): object {
  return Object.fromEntries(
    SIZES.flatMap((size) =>
      SETTINGS.map((cache) => {
        const system = words(SYSTEM_TOKENS[size], `${cache}: be kind.`);
        return [nameOf(size, cache), { system, cache, defaultMaxTokens: 4096, maxTokens: 4096 }];
      }),
    ),
  );
}

function nameOf(size: SystemSize, cache: CacheSetting): string {
  return `${size}_cached_${cache}`;
}

async function report(stage: Stage): Promise<void> {
  const day = new Date().toISOString().slice(0, 10);
  print(`Prices of ${stage.prices.version} as of ${day}, whole bills, answers of 300 tokens.\n`);
  print(`Ten turns on ${MODEL}:\n`);
  await printTable(
    stage,
    'conversation',
    TEN_TURNS.map((each) => [each.name, each, MODEL] as const),
  );
  print('\nWhere caching is tried hardest:\n');
  await printTable(
    stage,
    'conversation',
    DEARER.map((each) => [each.name, each, MODEL] as const),
  );
  print(`\nTen turns with ${ON_EACH_MODEL.name}, by model:\n`);
  const now = Date.now();
  const table = ModelTable.load();
  const models = table.ids.filter((id) => table.answers(id, now));
  await printTable(
    stage,
    'model',
    models.map((id) => [id, ON_EACH_MODEL, id] as const),
  );
}

async function printTable(
  stage: Stage,
  head: string,
  rows: readonly (readonly [name: string, conversation: Conversation, model: string])[],
): Promise<void> {
  const cells: string[][] = [];
  for (const [name, conversation, model] of rows) {
    const bills: Bill[] = [];
    for (const cache of SETTINGS)
      bills.push(await billOf(stage, conversation, model, nameOf(conversation.system, cache)));
    cells.push([name, ...cellsOf(bills)]);
  }
  print(`${table([head, ...HEADS], cells).join('\n')}\n`);
}

function cellsOf([off, short, long]: readonly Bill[]): string[] {
  if (off === undefined || short === undefined || long === undefined) return [];
  return [
    off.lastPrompt.toLocaleString('en-US'),
    dollars(off.total),
    dollars(short.total),
    saved(off.total, short.total),
    saved(off.prompts, short.prompts),
    dollars(long.total),
    saved(off.total, long.total),
  ];
}

function dollars(usd: number): string {
  return usd.toFixed(5);
}

/** In percent; where it costs more, bold. */
function saved(without: number, with_: number): string {
  const percent = (1 - with_ / without) * 100;
  return percent < -0.05 ? `**${percent.toFixed(1)} %**` : `${Math.abs(percent).toFixed(1)} %`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
