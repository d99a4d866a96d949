/** `dash-relay doctor`, as an operator runs it. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { doctor } from '../../src/doctor/doctor-command.ts';
import { ModelTable } from '../../src/models/model-table.ts';
import { relayProgram } from '../support/relay-program.ts';
import { type Finished, runCommand } from '../support/run-command.ts';
import { startModelServer } from '../upstream/model-server.ts';

const CLI = await relayProgram('cli');
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DAY = 24 * 60 * 60_000;
const KEY = 'sk-ant-canary';
const directory = mkdtempSync(join(tmpdir(), 'doctor-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** For what a process adds: its exit code, and streams that are no terminal. */
async function runProcess(environment: Record<string, string>, ...args: string[]) {
  const env = { PATH: process.env['PATH'], DATA_DIR: directory, ...environment };
  const command = [CLI, 'doctor', ...args];
  const ended = await promisify(execFile)(process.execPath, command, { cwd: ROOT, env }).then(
    (done) => ({ code: 0, ...done }),
    (failed: { code: number; stdout: string; stderr: string }) => failed,
  );
  return linesOf(ended);
}

async function run(environment: Record<string, string>, ...args: string[]) {
  return linesOf(await runCommand(doctor, args, { DATA_DIR: directory, ...environment }));
}

function linesOf({ code, stdout, stderr }: Finished) {
  expect(stdout + stderr).not.toContain(KEY);
  return { code, lines: stdout.trim().split('\n'), stderr };
}

/** The environment of a key at an API that says this of its models. */
async function apiSaying(status: number, body: object): Promise<Record<string, string>> {
  const server = await startModelServer('http', (response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  onTestFinished(() => server.close());
  return { ANTHROPIC_BASE_URL: server.baseURL, ANTHROPIC_API_KEY: KEY, DASH_DEVELOPMENT: '1' };
}

/** What it says of a relay of development that depends on nothing. */
const WITHOUT_MORE = [
  expect.stringMatching(/^note {2}SUPABASE_URL: /),
  expect.stringMatching(/^note {2}DATABASE_URL: /),
  expect.stringMatching(/^note {2}REDIS_URL: /),
  expect.stringMatching(/^(ok {4}|note {2})files: \d+ may be open/),
  expect.stringMatching(/^(ok {4}|note {2})DATA_DIR: can be written, with /),
];

interface Entry {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** Of a list that has all models of the file. */
const listing = (...changed: Entry[]) => ({
  data: [
    ...ModelTable.load()
      .ids.filter((id) => !changed.some((each) => each.id === id))
      .map((id) => ({ id, lifecycle: 'active' })),
    ...changed,
  ],
  has_more: false,
});
const deprecated = (id: string, days: number): Entry => ({
  id,
  lifecycle: 'deprecated',
  retires_at: `${new Date(Date.now() + days * DAY).toISOString().slice(0, 19)}Z`,
});

it('says that all is well, a line each, and ends with 0', async () => {
  const { code, lines } = await runProcess(await apiSaying(200, listing()));
  expect(lines).toEqual([
    'ok    environment: for development',
    expect.stringMatching(/^ok {4}files: /),
    `ok    ANTHROPIC_API_KEY: the API takes it, and lists ${ModelTable.load().ids.length} models to it`,
    'ok    claude-sonnet-5-5 (DEFAULT_MODEL)',
    ...WITHOUT_MORE,
  ]);
  expect(code).toBe(0);
});

it('prints the same as JSON for programs, in colour only where it is asked for', async () => {
  const environment = { FORCE_COLOR: '1' };
  const coloured = await runProcess(environment);
  expect(coloured.lines[0]).toBe('\u001b[32mok  \u001b[39m  environment: for development');
  const { code, lines } = await runProcess(environment, '--json');
  expect(code).toBe(0);
  const found = lines.map((line) => JSON.parse(line));
  expect(found[0]).toEqual({ check: 'settings', mark: 'ok', text: 'environment: for development' });
  expect(found.map(({ check }) => check)).toEqual(
    expect.arrayContaining(['model API', 'key set', 'Postgres', 'Redis', 'machine']),
  );
});

it('without a key says that the simulated model answers', async () => {
  const { code, lines } = await run({});
  expect(lines[2]).toBe('note  ANTHROPIC_API_KEY: is not set, so the simulated model answers');
  expect(code).toBe(0);
});

it('names everything of the environment that a start would refuse', async () => {
  const { code, lines } = await runProcess({ NODE_ENV: 'production', PORT: 'many' });
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^fix {3}PORT: /),
      expect.stringMatching(/^fix {3}ANTHROPIC_API_KEY: required in production/),
    ]),
  );
  expect(code).toBe(1);
});

it('says in production what the vendor is told of users, and whether a token can be ended', async () => {
  const model = await apiSaying(200, listing());
  const production = {
    ...model,
    DASH_DEVELOPMENT: '',
    NODE_ENV: 'production',
    SUPABASE_JWT_SECRET: 'k9-Zx7Qw4Vt2Rb8Nm5Lp3-of-no-project',
    SUPABASE_JWT_ISSUER: 'https://project.supabase.co/auth/v1',
  };
  const without = await run(production);
  expect(without.code).toBe(1);
  expect(without.lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^fix {3}USER_ID_KEY: is not set, so who has a list of user ids can tell/),
      expect.stringMatching(/^note {2}REVOCATIONS_FILE: is not set, so a token holds until it expires/),
    ]),
  );
  const USER_ID_KEY = 'f3Kq9v-Zt7Lw2Xy8Rb4Nc6Jd1Hg5Sa0Pe';
  const { lines } = await run({ ...production, USER_ID_KEY, REVOCATIONS_FILE: join(directory, 'none.json') });
  expect(lines.slice(2, 4)).toEqual([
    'ok    USER_ID_KEY: the model API knows users by ids that nobody else can compute',
    'ok    revocations: dash-relay revoke ends tokens before they expire',
  ]);
});

it('names files that a start would refuse', async () => {
  const { code, lines } = await run({ ACTIONS_FILE: join(directory, 'absent.json') });
  expect(lines).toEqual([
    expect.stringMatching(/^fix {3}ACTIONS_FILE: unable to use the actions file .*absent/),
  ]);
  expect(code).toBe(1);
});

it('says of each model that a setting names what is to be done', async () => {
  const actionsFile = join(directory, 'actions.json');
  const models = ['haiku', 'claude-opus-5-5', 'claude-opus-4-8', 'claude-sonnet-5', 'claude-own-1'];
  const chat = { system: '', defaultMaxTokens: 10, maxTokens: 20, models };
  writeFileSync(actionsFile, JSON.stringify({ chat }));
  const list = listing(
    deprecated('claude-haiku-5-5', 59),
    deprecated('claude-opus-5-5', 61),
    { ...deprecated('claude-opus-4-8', -1), lifecycle: 'retired' },
    { ...deprecated('claude-sonnet-5', 300), max_tokens: 64_000 },
  );
  const { code, lines } = await run({ ...(await apiSaying(200, list)), ACTIONS_FILE: actionsFile });
  const day = (days: number) => new Date(Date.now() + days * DAY).toISOString().slice(0, 10);
  const of = (id: string, text: string) => `${id} (ACTIONS_FILE chat.models): ${text}`;
  expect(lines.slice(3, -WITHOUT_MORE.length)).toEqual([
    'ok    claude-sonnet-5-5 (DEFAULT_MODEL)',
    `fix   ${of('claude-haiku-5-5', `retires on ${day(59)}, in 59 days: name another before`)}`,
    `note  ${of('claude-opus-5-5', `retires on ${day(61)}, in 61 days: name another before`)}`,
    `fix   ${of('claude-opus-4-8', 'is retired: it is not asked; name another')}`,
    `note  ${of('claude-sonnet-5', `retires on ${day(300)}, in 300 days: name another before`)}`,
    `fix   ${of('claude-sonnet-5', 'by the API maxOutputTokens is 64000, and in the file 128000: bring MODELS_FILE up to date')}`,
    `fix   ${of('claude-own-1', 'is not in the list of the API: misspelt, not for this key, or gone; name another')}`,
    `note  ${of('claude-own-1', 'is not in the models file, so how it thinks is not known; add it to MODELS_FILE')}`,
  ]);
  expect(code).toBe(1);
});

it('notes models that clients may ask for and that will retire', async () => {
  const { code, lines } = await run(await apiSaying(200, listing(deprecated('claude-opus-4-7', 30))));
  expect(lines).toContainEqual(
    expect.stringMatching(/^note {2}claude-opus-4-7 \(clients may ask for it\): retires on .*, in 30 days/),
  );
  expect(code).toBe(0);
});

it.each([
  [401, 'fix', /ANTHROPIC_API_KEY: the API refuses it \(401\)/],
  [402, 'fix', /ANTHROPIC_API_KEY: its account cannot pay \(402\)/],
  [403, 'fix', /ANTHROPIC_API_KEY: it may not ask for the list of models \(403\)/],
  [404, 'note', /ANTHROPIC_BASE_URL: has no list of models \(404\)/],
  [500, 'fix', /ANTHROPIC_BASE_URL: the answer is no list of models \(refused, status 500\)/],
  [200, 'fix', /ANTHROPIC_BASE_URL: the answer is no list of models \(malformed, status 200\)/],
])('an answer of %d to the key is told: %s', async (status, mark, text) => {
  const { code, lines } = await run(await apiSaying(status, { type: 'error', error: { message: KEY } }));
  expect(lines[2]?.slice(0, 6).trim()).toBe(mark);
  expect(lines[2]).toMatch(text);
  expect(code).toBe(mark === 'fix' ? 1 : 0);
});

it('says where nobody answers', async () => {
  const environment = await apiSaying(200, {});
  const { code, lines } = await run({ ...environment, ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' });
  expect(lines[2]).toMatch(/^fix {3}ANTHROPIC_BASE_URL: nobody answers there/);
  expect(code).toBe(1);
});

it.each([
  [['--nonsense']],
  [['--url', 'relay.example.com']],
  [['--url', 'http://127.0.0.1:8787', '--silent', 'long']],
])('wrong words end with 2: %j', async (words) => {
  const { code, stderr } = await run({}, ...words);
  expect(stderr).toContain('Usage: dash-relay doctor');
  expect(code).toBe(2);
});

it('shows words of whoever answers without what a terminal would obey', async () => {
  const fields = ['SFATAL', 'C28000', 'Mgo\u001b[2J away\u202e', ''].map((field) => `${field}\0`).join('');
  const error = Buffer.from(`E----${fields}`);
  error.writeInt32BE(error.length - 1, 1);
  const server = createServer((socket) => socket.once('data', () => socket.end(error)));
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const { lines } = await run({ DATABASE_URL: `postgres://relay@127.0.0.1:${port}/app` });
  expect(lines).toContainEqual(expect.stringMatching(/^fix {3}DATABASE_URL: go\[2J away: see to/));
});

it('names limits that are smaller than one answer, which refuse each question with nothing used', async () => {
  const PLANS_FILE = join(directory, 'small-plans.json');
  const chat = { system: '', models: ['claude-sonnet-5-5'], defaultMaxTokens: 100, maxTokens: 200 };
  const ACTIONS_FILE = join(directory, 'two-actions.json');
  writeFileSync(ACTIONS_FILE, JSON.stringify({ chat, lesson: { ...chat, thinking: { effort: 'low' } } }));
  writeFileSync(
    PLANS_FILE,
    JSON.stringify({
      spendingPerDayUsd: 0.01,
      plans: {
        // 100 of text, 4,096 of thinking where it thinks, and the prompt.
        free: { user: { tokensPerDay: 4000, tokensPerMonth: 5000 } },
        anonymous: { user: { tokensPerDay: 5000 } },
        school: { organization: { tokensPerMonth: 10_000, userSharePercent: 20 } },
      },
    }),
  );
  const { code, lines } = await run({ ...(await apiSaying(200, listing())), PLANS_FILE, ACTIONS_FILE });
  expect(code).toBe(1);
  const doing = 'each question is refused; raise it, or lower maxTokens and thinking';
  expect(lines.filter((line) => line.includes('one answer'))).toEqual([
    expect.stringMatching(
      `^fix   PLANS_FILE: free\\.user\\.tokensPerDay: one answer of lesson may take 4\\d{3} tokens, and the limit is 4000 tokens: ${doing}$`,
    ),
    expect.stringMatching(
      /^fix {3}PLANS_FILE: spendingPerDayUsd: one answer of lesson may take 0\.04\d+ dollars, and the limit is 0\.01 dollars: /,
    ),
    expect.stringMatching(
      /^fix {3}PLANS_FILE: school\.user\.tokensPerMonth: one answer of lesson may take 4\d{3} tokens, and the limit is 2000 tokens: /,
    ),
  ]);
});
