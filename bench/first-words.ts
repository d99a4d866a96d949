/**
 * `npm run bench:first-words`: how long a user waits for the first words of each shipped action, and how many answers
 * end without one, with a simulated model that thinks as the default one does. `--base=COMMIT` measures an older commit
 * beside this tree, `--answers=N` so many of each.
 */
import { parseArgs } from 'node:util';
import { type Answer, createDashClient } from '../src/client/index.ts';
import { LIFELIKE } from '../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../src/simulator/simulator.ts';
import { freePort } from '../test/support/free-port.ts';
import { runProgram } from './program.ts';
import { table } from './report/table.ts';
import { startServer } from './subjects/server-process.ts';
import { temporaryDirectory } from './temporary-directory.ts';
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
const READY_PATH = '/readyz';
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
  await using relay = await startRelay(directory, simulator);
  const rows: string[][] = [];
  for (const action of ACTIONS) rows.push([name, action, ...cells(await ask(relay.url, action, count))]);
  return rows;
}

async function simulatedModel(): Promise<Simulator & AsyncDisposable> {
  const simulator = await startSimulator({ pace: LIFELIKE });
  return Object.assign(simulator, { [Symbol.asyncDispose]: () => simulator.close() });
}

async function startRelay(directory: string, simulator: Simulator) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const data = temporaryDirectory('first-words');
  const server = await startServer({
    name: 'relay',
    command: process.execPath,
    args: ['src/main.ts'],
    workingDirectory: directory,
    environment: {
      PORT: String(port),
      HOST: '127.0.0.1',
      DATA_DIR: data.path,
      DASH_DEVELOPMENT: '1',
      ANTHROPIC_API_KEY: 'bench',
      ANTHROPIC_BASE_URL: simulator.url,
      STARTS_PER_MINUTE: '1000000',
    },
    ready: async () => (await fetch(`${url}${READY_PATH}`).catch(() => null))?.ok === true,
    port,
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      data[Symbol.dispose]();
    },
  };
}

async function ask(url: string, action: ActionName, count: number): Promise<Measured> {
  const client = createDashClient({ url, getToken: () => developmentToken(url) });
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

async function developmentToken(url: string): Promise<string> {
  const response = await fetch(`${url}/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sub: '00000000-0000-4000-8000-000000000001', tier: 'enterprise' }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
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
