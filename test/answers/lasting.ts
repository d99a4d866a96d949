/**
 * Answers through kills, outages of Postgres and restarts of the machine that says them, read back on another one. Each
 * answer is made of words that occur nowhere else, so that whoever's words are anywhere can be seen.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Environment } from '../../src/config/environment.ts';
import { ledgerFile } from '../../src/ledger/schema.ts';
import { startPostgres } from '../support/postgres.ts';
import { dataDirectory, type RelayChild, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { SSE_HEADERS, sse } from '../upstream/message-script.ts';
import { startModelServer } from '../upstream/model-server.ts';

export interface Ordeal {
  readonly answers: number;
  readonly kills: number;
  /** Each so many kills Postgres is away while the machine is killed, and while it comes back. */
  readonly outageEach: number;
  /** Each so many kills the machine is asked to end besides. */
  readonly restartEach: number;
}

export interface Verdict {
  /** Endings that were told, and the same hash of text and ending elsewhere. */
  readonly ended: number;
  readonly interrupted: number;
  /** Cut off here, ended there: the machine had not told all. */
  readonly endedUntold: number;
  /** Starts that were refused, by their code: an overloaded machine may. */
  readonly refused: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
  /** Of each interrupted one: how long before the kill the first delta that is missing had come, ms. */
  readonly missingMs: readonly number[];
  /** Files that held a word of an answer, of this machine's disk and of Postgres with its log. */
  readonly leaks: readonly string[];
  /** What another user was given. */
  readonly foreign: readonly string[];
}

const USERS = 12;
const KEY = Buffer.from(Array.from({ length: 32 }, (_, at) => at * 7));
/** In every delta. */
const CANARY = 'canary';

export async function undergo(ordeal: Ordeal): Promise<Verdict> {
  await using model = await startCanaryModel();
  using here = dataDirectory();
  using there = dataDirectory();
  const postgres = await startPostgres();
  const environment: Environment = {
    ...upstreamAt(model.url),
    LOG_LEVEL: 'warn',
    DATABASE_URL: postgres.url('relay'),
    KEEP_ANSWERS_HOURS: '24',
    ANSWERS_KEY: KEY.toString('base64'),
    DRAIN_MS: '200',
  };
  try {
    const asked = new Asked();
    const leaks = new Set<string>();
    for (let kill = 0; kill < ordeal.kills; kill += 1) {
      await using machine = await spawnRelay(here.path, { ...environment, LOG_LEVEL: 'info' });
      const share = Math.ceil(ordeal.answers / ordeal.kills);
      const cut = await asked.ask(machine, kill, share);
      const isOut = kill % ordeal.outageEach === ordeal.outageEach - 1;
      await wait(300 + ((kill * 97) % 1500));
      if (isOut) await postgres.stop();
      if (isOut) await wait(500);
      machine.kill(kill % ordeal.restartEach === ordeal.restartEach - 1 ? 'SIGTERM' : 'SIGKILL');
      await machine.exited;
      await cut();
      for (const leak of wordsIn(here.path)) leaks.add(leak);
      if (isOut && kill % 2 === 0) await postgres.start();
      else if (isOut) void wait(1500).then(() => postgres.start());
    }
    await postgres.start();
    copyFileSync(join(here.path, 'development-key.json'), join(there.path, 'development-key.json'));
    await using last = await spawnRelay(here.path, { ...environment, LOG_LEVEL: 'info' });
    await eventually('all have arrived', async () => {
      const metrics = await (await fetch(`${last.url}/metrics`)).text();
      return /^dash_answers_waiting 0$/m.test(metrics);
    });
    await using other = await spawnRelay(there.path, { ...environment, LOG_LEVEL: 'info' });
    for (const leak of await wordsInPostgres(postgres)) leaks.add(leak);
    return { ...(await asked.compare(other)), leaks: [...leaks] };
  } finally {
    await postgres.close();
  }
}

interface AskedAnswer {
  readonly user: number;
  readonly id: string;
  epoch: string | undefined;
  /** The code of its refusal. */
  refused: string | undefined;
  text: string;
  /** When so much of the text had come: monotonic ms and length. */
  readonly arrivals: { readonly at: number; readonly length: number }[];
  ending: object | undefined;
  cutAt: number | undefined;
}

class Asked {
  readonly #answers = new Map<string, AskedAnswer>();

  /** Begins so many; what is returned resolves once all their connections are gone. */
  async ask(machine: RelayChild, round: number, count: number): Promise<() => Promise<void>> {
    const links = await Promise.all(
      Array.from({ length: USERS }, async (_, user) => await this.#connect(machine, user)),
    );
    for (let index = 0; index < count; index += 1) {
      const user = index % USERS;
      const id = `r${round}-n${index}`;
      this.#answers.set(keyOf(user, id), {
        user,
        id,
        epoch: undefined,
        refused: undefined,
        text: '',
        arrivals: [],
        ending: undefined,
        cutAt: undefined,
      });
      const messages = [{ role: 'user', content: questionOf(user, id) }];
      links[user]?.socket.send(JSON.stringify({ type: 'start', id, action: 'chat', messages }));
    }
    const own = [...this.#answers.values()].filter(({ id }) => id.startsWith(`r${round}-`));
    const left = () => own.filter(({ epoch, refused }) => (epoch ?? refused) === undefined).length;
    await eventually(`all of round ${round} are accepted or refused`, () => left() === 0).catch((cause) => {
      throw new Error(`${left()} of ${own.length} are neither:\n${machine.logText.slice(-12).join('\n')}`, {
        cause,
      });
    });
    return async () => {
      await Promise.all(links.map(({ closed }) => closed));
    };
  }

  async #connect(machine: RelayChild, user: number) {
    const socket = await opened(machine.url, await machine.token(user + 1));
    socket.on('message', (data) => this.#frame(user, JSON.parse(String(data)) as Frame));
    const closed = new Promise<void>((resolve) => {
      socket.on('error', () => {});
      socket.on('close', () => {
        const now = performance.now();
        for (const answer of this.#answers.values())
          if (answer.user === user && answer.ending === undefined) answer.cutAt ??= now;
        resolve();
      });
    });
    return { socket, closed };
  }

  #frame(user: number, frame: Frame): void {
    const answer = frame.id === undefined ? undefined : this.#answers.get(keyOf(user, frame.id));
    if (answer === undefined) return;
    if (frame.type === 'accepted') answer.epoch = frame.epoch;
    else if (frame.of === 'start') answer.refused = String(frame['code']);
    else if (frame.type === 'chunk') {
      answer.text += frame.content ?? '';
      answer.arrivals.push({ at: performance.now(), length: answer.text.length });
    } else if (isEnding(frame)) answer.ending = frame;
  }

  /** What another machine says of each. */
  async compare(machine: RelayChild): Promise<Omit<Verdict, 'leaks'>> {
    const verdict = { ended: 0, interrupted: 0, endedUntold: 0 };
    const wrong: string[] = [];
    const missingMs: number[] = [];
    for (let user = 0; user < USERS; user += 1) {
      const own = [...this.#answers.values()].filter(
        (answer) => answer.user === user && answer.epoch !== undefined,
      );
      const read = await readAll(
        machine,
        user,
        own.map(({ id }) => id),
      );
      for (const answer of own) {
        const there = read.get(answer.id);
        const fault = there === undefined ? 'not there' : faultOf(answer, there);
        if (fault !== undefined) wrong.push(`${answer.id} of ${user}: ${fault}`);
        else if (answer.ending !== undefined) verdict.ended += 1;
        else if (there?.ending?.['code'] === 'interrupted') {
          verdict.interrupted += 1;
          missingMs.push(missingOf(answer, there.text));
        } else verdict.endedUntold += 1;
      }
    }
    const codes = [...this.#answers.values()]
      .map(({ refused }) => refused)
      .filter((code) => code !== undefined);
    const refused = Object.fromEntries(
      [...Map.groupBy(codes, (code) => code)].map(([code, all]) => [code, all.length]),
    );
    return { ...verdict, refused, wrong, missingMs, foreign: await this.#foreign(machine) };
  }

  /** Each asks for what is the next one's. */
  async #foreign(machine: RelayChild): Promise<string[]> {
    const all = [...this.#answers.values()].filter(({ epoch }) => epoch !== undefined);
    const given: string[] = [];
    for (let user = 0; user < USERS; user += 1) {
      const others = all.filter((answer) => answer.user === (user + 1) % USERS).slice(0, 50);
      const own = new Set(all.filter((answer) => answer.user === user).map(({ id }) => id));
      const ids = others.map(({ id }) => id).filter((id) => !own.has(id));
      for (const [id, { text }] of await readAll(machine, user, ids)) if (text !== '') given.push(id);
    }
    return given;
  }
}

interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly epoch?: string;
  readonly content?: string;
  readonly of?: string;
  readonly [field: string]: unknown;
}

interface ReadAnswer {
  text: string;
  ending: Frame | undefined;
}

function faultOf(answer: AskedAnswer, there: ReadAnswer): string | undefined {
  const whole = textOf(answer.user, answer.id);
  if (there.ending === undefined) return 'no ending';
  if (answer.ending !== undefined) {
    const told = hashOf(answer.text, answer.ending);
    return told === hashOf(there.text, there.ending) ? undefined : 'another text or ending than was told';
  }
  if (there.ending['code'] === 'interrupted') return whole.startsWith(there.text) ? undefined : 'other words';
  return there.text === whole ? undefined : 'not all of it';
}

function hashOf(text: string, ending: object): string {
  return createHash('sha256').update(text).update(JSON.stringify(ending)).digest('hex');
}

function missingOf({ arrivals, cutAt = 0 }: AskedAnswer, text: string): number {
  const first = arrivals.find(({ length }) => length > text.length);
  return first === undefined ? 0 : cutAt - first.at;
}

async function readAll(
  machine: RelayChild,
  user: number,
  ids: readonly string[],
): Promise<Map<string, ReadAnswer>> {
  const read = new Map<string, ReadAnswer>();
  const socket = await opened(machine.url, await machine.token(user + 1));
  let left = ids.length;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Frame;
    const id = frame.id ?? '';
    if (frame.type === 'resumed') read.set(id, { text: '', ending: undefined });
    const answer = read.get(id);
    if (frame.type === 'chunk' && answer !== undefined) answer.text += frame.content ?? '';
    if (!isEnding(frame) && frame.of !== 'resume') return;
    if (frame.of === 'resume' && frame['code'] === 'unavailable') {
      waiting.push(id); // nobody could say in time: asked again, as clients do
      return ask();
    }
    if (answer !== undefined && frame.of === undefined) answer.ending = frame;
    left -= 1;
    ask();
  });
  const waiting = [...ids];
  const ask = (): void => {
    const id = waiting.shift();
    if (id !== undefined) socket.send(JSON.stringify({ type: 'resume', id, after: 0 }));
    else if (left <= 0) resolve();
  };
  if (left === 0) resolve();
  for (let atOnce = 0; atOnce < 8; atOnce += 1) ask();
  await all;
  socket.terminate();
  return read;
}

function isEnding({ type, of }: Frame): boolean {
  return of === undefined && (type === 'done' || type === 'cancelled' || type === 'error');
}

async function opened(url: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, 'dash-relay.v1', {
    headers: { authorization: `Bearer ${token}` },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('message', () => resolve());
  socket.once('error', reject);
  await promise;
  return socket;
}

function keyOf(user: number, id: string): string {
  return `${user} ${id}`;
}

function questionOf(user: number, id: string): string {
  return `question of ${user} about ${id}`;
}

function deltasOf(user: number, id: string): string[] {
  const count = 4 + ((createHash('sha256').update(id).digest()[0] ?? 0) % 60);
  return Array.from({ length: count }, (_, index) => `${CANARY}-${user}-${id}-${index} ünd "mehr"\n`);
}

function textOf(user: number, id: string): string {
  return deltasOf(user, id).join('');
}

const END_OF_MESSAGE = [
  sse({ type: 'content_block_stop', index: 0 }),
  sse({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 42 } }),
  sse({ type: 'message_stop' }),
].join('');

/** Says what the question asks for: at 20 deltas a second. */
async function startCanaryModel() {
  const server = await startModelServer('http', (response, call, request) => {
    const [, user, id] = /question of (\d+) about ([\w-]+)/.exec(server.requests[call]?.body ?? '') ?? [];
    if (request.method !== 'POST' || id === undefined) {
      response.writeHead(404);
      response.end();
      return;
    }
    response.writeHead(200, SSE_HEADERS);
    const usage = { input_tokens: 20, output_tokens: 1 };
    const message = { type: 'message', model: 'claude-sonnet-5-5', usage };
    response.write(sse({ type: 'message_start', message }));
    response.write(sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }));
    const deltas = deltasOf(Number(user), id);
    const saying = setInterval(() => {
      const text = deltas.shift();
      const delta = { type: 'text_delta', text };
      response.write(
        text === undefined ? END_OF_MESSAGE : sse({ type: 'content_block_delta', index: 0, delta }),
      );
      if (text !== undefined) return;
      clearInterval(saying);
      response.end();
    }, 50);
    response.on('close', () => clearInterval(saying));
  });
  return { url: server.baseURL, [Symbol.asyncDispose]: () => server.close() };
}

function wordsIn(dataDir: string): string[] {
  const file = ledgerFile(dataDir);
  return [file, `${file}-wal`].filter((path) => existsSync(path) && readFileSync(path).includes(CANARY));
}

/** All its files: tables, their indexes, its write-ahead log. */
async function wordsInPostgres({ query }: Awaited<ReturnType<typeof startPostgres>>): Promise<string[]> {
  await query('CHECKPOINT');
  const found = await query<{ path: string }>(`
    WITH RECURSIVE files (path, isdir) AS (
      SELECT current_setting('data_directory'), true
      UNION ALL SELECT f.path || '/' || e, (pg_stat_file(f.path || '/' || e, true)).isdir
      FROM files AS f, pg_ls_dir(f.path, true, false) AS e WHERE f.isdir)
    SELECT path FROM files WHERE NOT isdir
      AND position(convert_to('${CANARY}', 'UTF8') IN pg_read_binary_file(path, 0, 1000000000, true)) > 0`);
  return found.map(({ path }) => path);
}
