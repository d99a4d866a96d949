/**
 * `npm run bench:first-words`: how long a user waits for the first words of each shipped action, and how many answers
 * end without one, with a simulated model that thinks as the default one does. `--base=COMMIT` measures an older commit
 * beside this tree, `--answers=N` so many of each.
 */
import { parseArgs } from 'node:util';
import { type Answer, createDashClient } from '../src/client/index.ts';
import { LIFELIKE } from '../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../src/simulator/simulator.ts';
import { type DevelopmentRelay, startDevelopmentRelay } from './development-relay.ts';
import { runProgram } from './program.ts';
import { table } from './report/table.ts';
import { addWorktree, HERE } from './worktree.ts';

const ACTIONS = [
  'general_assistance',
  'chat',
  'homework_help',
  'lesson_generation',
  'grading_assistance',
] as const;
/** As many as a connection carries. */
const AT_ONCE = 16;
const OPTIONS = { base: { type: 'string' }, answers: { type: 'string', default: '200' } } as const;

type ActionName = (typeof ACTIONS)[number];

interface Measured {
  readonly firstWordsMs: readonly number[];
  readonly answers: readonly Answer[];
}

await runProgram(async (args) => {
  const { base, answers } = parseArgs({ args, options: OPTIONS }).values;
  const count = Number(answers);
  if (!Number.isInteger(count) || count < 1) throw new Error('--answers: a whole number from 1');
  const rows = base === undefined ? [] : await measureBase(base, count);
  rows.push(...(await measureTree('this tree', HERE, count)));
  const heads = ['relay', 'action', 'answers', 'first words p50, ms', 'p95, ms', 'without a word', 'tokens'];
  process.stdout.write(`${table(heads, rows).join('\n')}\n`);
  return 0;
});

async function measureBase(commit: string, count: number): Promise<string[][]> {
  using worktree = addWorktree(commit);
  return await measureTree(commit, worktree.directory, count);
}

async function measureTree(name: string, directory: string, count: number): Promise<string[][]> {
  await using simulator = await simulatedModel();
  await using relay = await startDevelopmentRelay(directory, simulator);
  const rows: string[][] = [];
  for (const action of ACTIONS) rows.push([name, action, ...cells(await ask(relay, action, count))]);
  return rows;
}

async function simulatedModel(): Promise<Simulator & AsyncDisposable> {
  const simulator = await startSimulator({ pace: LIFELIKE });
  return Object.assign(simulator, { [Symbol.asyncDispose]: () => simulator.close() });
}

async function ask({ url, token }: DevelopmentRelay, action: ActionName, count: number): Promise<Measured> {
  const client = createDashClient({ url, getToken: () => token });
  const firstWordsMs: number[] = [];
  const answers: Answer[] = [];
  const askAll = async (first: number) => {
    for (let question = first; question < count; question += AT_ONCE) {
      const askedAt = performance.now();
      let waited: number | undefined;
      const onChunk = () => {
        waited ??= performance.now() - askedAt;
      };
      const content = `Question ${question}: why is the sky blue, and the evening red?`;
      const stream = client.stream({ action, messages: [{ role: 'user', content }] }, { onChunk });
      answers.push(await stream.final);
      if (waited !== undefined) firstWordsMs.push(waited);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, (_, first) => askAll(first)));
  client.close();
  return { firstWordsMs, answers };
}

function cells({ firstWordsMs, answers }: Measured): string[] {
  const sorted = firstWordsMs.toSorted((left, right) => left - right);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const tokens = answers.reduce((sum, { usage }) => sum + usage.outputTokens, 0);
  return [
    String(answers.length),
    shown(at(0.5)),
    shown(at(0.95)),
    String(answers.filter(({ content }) => content === '').length),
    String(Math.round(tokens / answers.length)),
  ];
}

function shown(ms: number | undefined): string {
  return ms === undefined ? 'none came' : String(Math.round(ms));
}
