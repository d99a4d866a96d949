/**
 * F28: each thing that a handler waits for fails once, in each way, over real sockets, with the core's ports in memory.
 * Whatever fails, a stream that was accepted has one exact text, one ending and one row; one that was not leaves nothing.
 */
import { describe, expect, it } from 'vitest';
import type { Observer } from '../../src/observability/port.ts';
import type { Plans } from '../../src/quota/plans.ts';
import type { StartLimit } from '../../src/run/port.ts';
import { ALICE, startServer } from '../http/start-server.ts';
import { createCore } from '../support/core.ts';
import { FakeAuthenticator, principalOf } from '../support/fake-authenticator.ts';
import { HeldStream } from '../support/held-stream.ts';
import { ask, askEvents, type ChatBody, open, type Question, readEvents } from '../support/http-doors.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { createMemoryLedger } from '../support/memory-ledger.ts';
import { createMemoryQuota } from '../support/memory-quota.ts';
import { settled } from '../support/quiet.ts';
import { RelayClient } from '../support/relay-client.ts';
import { createScriptedUpstream, type ScriptedCall } from '../support/scripted-upstream.ts';
import { eventually, LONG } from '../support/test-run.ts';
import { plansOf } from '../usage/quota/plan-files.ts';
import { prices } from '../usage/quota/quota-subject.ts';
import { FAILURES, type Failure, Injector, isAbout } from './injector.ts';

const TOKEN = 'alice';
const ID = 'the-stream-of-a-handler';
const BODY: ChatBody = { id: ID, action: 'chat', messages: [{ role: 'user', content: 'hi' }] };
/** Longer than an ended stream is kept, and than what is left of a connection. */
const ALL_OVER_MS = 200_000;

/** Without a limit; made by the first test that wants it. */
let plans: Plans | undefined;

type Scene = Awaited<ReturnType<typeof openScene>>;

async function openScene(injector: Injector) {
  const clock = new ManualClock();
  const upstream = createScriptedUpstream();
  const ledger = createMemoryLedger();
  plans ??= plansOf({});
  const quota = createMemoryQuota({ plans, prices, clock });
  const startLimit: StartLimit = { take: async () => undefined };
  const users = new FakeAuthenticator({ [TOKEN]: principalOf(ALICE) });
  const told: unknown[] = [];
  const observer = new Proxy({} as Observer, { get: () => (event: unknown) => void told.push(event) });
  const authenticator = injector.wrap('keys', users, { verify: true, start: false });
  const quotaOfRuns = injector.wrap('quota', quota, { reserve: true, usageOf: true });
  const { relay } = createCore({
    clock,
    observer,
    authenticator,
    upstream: injector.upstream(upstream),
    ledger: injector.wrap('ledger', ledger, { open: true, settle: true, close: false }),
    quota: quotaOfRuns,
    startLimit: injector.wrap('starts', startLimit, { take: true }),
    countTokensAbove: 1,
  });
  const { server, url } = await startServer({
    clock,
    observer,
    authenticator,
    connect: relay.connect,
    routes: { relay, clock, observer, usageOf: (user) => quotaOfRuns.usageOf(user) },
  });
  const timers = clock.pending;
  /** What clients hold, and all that they were told outside of streams. */
  const held: HeldStream[] = [];
  const said: string[] = [];
  const clients: RelayClient[] = [];
  return {
    injector,
    clock,
    upstream,
    ledger,
    quota,
    relay,
    server,
    url,
    told,
    timers,
    held,
    said,
    clients,
    /** Its handler has done its work. */
    isPlayed: false,
    async connect(): Promise<RelayClient> {
      const client = new RelayClient({ url, token: TOKEN });
      clients.push(client);
      await client.connect();
      return client;
    },
    async ask(path: string, question: Question = {}): Promise<number> {
      const { status, body } = await ask(url + path, { token: TOKEN, ...question });
      said.push(body);
      return status;
    },
  };
}

/** The model answers the call that comes of what is played, if one does. */
async function answer(scene: Scene): Promise<void> {
  const { upstream } = scene;
  const call = await upstream.call(0);
  if (scene.isPlayed) return;
  call.text('one ', 'two ');
  await settled();
  upstream.counts[0]?.answer({ kind: 'counted', tokens: 5 });
  await settled();
  call.end();
}

/** A stream that talks, before anything counts. */
async function talking(
  scene: Scene,
): Promise<{ client: RelayClient; stream: HeldStream; call: ScriptedCall }> {
  const client = await scene.connect();
  const stream = client.start(BODY);
  scene.held.push(stream);
  const call = await scene.upstream.call(0);
  call.text('one ');
  await client.until(() => stream.seq === 1 || undefined);
  return { client, stream, call };
}

const START = [
  'starts.take',
  'quota.reserve',
  'ledger.open',
  'upstream.open',
  'upstream.ended',
  'upstream.countTokens',
  'ledger.settle',
];
const OK = [200, 500];

interface Handler {
  readonly name: string;
  /** All that it waits for, in this order. */
  readonly waits: readonly string[];
  /** Lets it do its work once, with all that it waits for counted. */
  readonly play: (scene: Scene) => Promise<void>;
}

const HANDLERS: readonly Handler[] = [
  {
    name: 'a handshake',
    waits: ['keys.verify'],
    async play(scene) {
      const { injector } = scene;
      const isOpen = await injector.during(() =>
        scene.connect().then(
          () => true,
          () => false,
        ),
      );
      expect(isOpen).toBe(injector.failed === undefined);
    },
  },
  {
    name: 'start on a WebSocket',
    waits: START,
    async play(scene) {
      const client = await scene.connect();
      void answer(scene);
      await scene.injector.during(async () => {
        const stream = client.start(BODY);
        scene.held.push(stream);
        await client.until(() => stream.over || undefined);
      });
    },
  },
  {
    name: 'cancel on a WebSocket',
    waits: ['ledger.settle'],
    async play(scene) {
      const { client, stream } = await talking(scene);
      await scene.injector.during(async () => {
        client.cancel(stream);
        expect(await client.ended(stream)).toMatchObject({ type: 'cancelled', textLength: 4 });
      });
    },
  },
  {
    name: 'resume on another WebSocket',
    waits: ['keys.verify', 'ledger.settle'],
    async play(scene) {
      const { client, stream, call } = await talking(scene);
      client.drop();
      await client.closed;
      scene.held.pop();
      await scene.injector.during(async () => {
        const next = await scene.connect().catch(() => scene.connect());
        const adopted = next.adopt(stream);
        scene.held.push(adopted);
        next.resume(adopted, 0);
        await next.until(() => adopted.seq === 1 || undefined);
        call.text('two ');
        call.end();
        expect(await next.ended(adopted)).toMatchObject({ type: 'done' });
      });
    },
  },
  {
    name: 'a fresh token on a WebSocket',
    waits: ['keys.verify'],
    async play(scene) {
      const { client, stream, call } = await talking(scene);
      await scene.injector.during(async () => {
        client.send({ type: 'auth', token: TOKEN });
        await client.until(() =>
          client.answers.find(({ type }) => type === 'authenticated' || type === 'error'),
        );
      });
      call.end();
      expect(await client.ended(stream)).toMatchObject({ type: 'done' });
    },
  },
  {
    name: 'POST /v1/chat as events',
    waits: ['keys.verify', ...START],
    async play(scene) {
      void answer(scene);
      scene.held.push(await scene.injector.during(() => askEvents(scene.url, TOKEN, BODY)));
    },
  },
  {
    name: 'POST /v1/chat as JSON',
    waits: ['keys.verify', ...START],
    async play(scene) {
      void answer(scene);
      const status = scene.injector.during(() => scene.ask('/v1/chat', { method: 'POST', body: BODY }));
      expect(OK).toContain(await status);
    },
  },
  ...(LONG ? [true, false] : [true]).map((stream) => ({
    name: `an old function, ${stream ? 'as events' : 'whole'}`,
    waits: ['keys.verify', ...START],
    async play(scene: Scene) {
      void answer(scene);
      const body = { action: 'chat', prompt: 'hi', stream };
      const status = scene.injector.during(() =>
        // Where it failed after its first word the response is cut: so the old function did it.
        scene.ask('/functions/v1/ai-gateway', { method: 'POST', body }).catch(() => 500),
      );
      expect(OK).toContain(await status);
    },
  })),
  {
    name: 'GET /v1/streams/:id',
    waits: ['keys.verify', 'ledger.settle'],
    async play(scene) {
      const { stream, call } = await talking(scene);
      const reader = new HeldStream(stream.startFrame, ID);
      reader.asked('resume', 0);
      await scene.injector.during(async () => {
        const response = await open(`${scene.url}/v1/streams/${ID}`, { token: TOKEN });
        call.text('two ');
        call.end();
        await readEvents(response, reader);
        await eventually('it is settled', () => scene.relay.registry.live === 0);
      });
      if (reader.refusal === undefined) scene.held.push(reader);
    },
  },
  {
    name: 'DELETE /v1/streams/:id',
    waits: ['keys.verify', 'ledger.settle'],
    async play(scene) {
      await talking(scene);
      const status = scene.injector.during(() => scene.ask(`/v1/streams/${ID}`, { method: 'DELETE' }));
      expect(OK).toContain(await status);
    },
  },
  ...(
    [
      [`/v1/streams/${ID}/state`, []],
      ['/v1/session', []],
      ['/v1/config', []],
      ['/v1/actions', []],
      ['/v1/usage', ['quota.usageOf']],
    ] as const
  ).map(([path, waits]) => ({
    name: `GET ${path.replace(ID, ':id')}`,
    waits: ['keys.verify', ...waits],
    async play(scene: Scene) {
      const { call } = await talking(scene);
      const status = await scene.injector.during(() => scene.ask(path));
      expect(status).toBe(scene.injector.failed === undefined ? 200 : 500);
      call.end();
    },
  })),
];

interface Case {
  readonly title: string;
  readonly handler: Handler;
  /** From 1; 0: nothing fails. */
  readonly at: number;
  readonly failure: Failure;
}

const CASES: readonly Case[] = HANDLERS.flatMap((handler) => [
  { title: `${handler.name}: nothing fails`, handler, at: 0, failure: 'rejects' as const },
  ...handler.waits.flatMap((wait, index) =>
    FAILURES.map((failure) => ({
      title: `${handler.name}: ${index + 1}. ${wait} ${failure}`,
      handler,
      at: index + 1,
      failure,
    })),
  ),
]);

describe('whatever a handler waits for fails, in each way', () => {
  it.each(CASES)('$title', async ({ handler, at, failure }) => {
    const injector = new Injector(at, failure);
    const scene = await openScene(injector);
    await handler.play(scene);
    scene.isPlayed = true;
    if (at === 0) expect(injector.waits).toEqual(handler.waits);
    else expect(injector.failed?.wait).toBe(handler.waits[at - 1]);

    for (const call of scene.upstream.calls) call.end(); // what goes on, ends
    await settled();
    await readAgain(scene);
    checkBooks(scene);
    checkWords(scene);
    await checkNothingIsLeft(scene);
  });
});

/** I1, I2: who comes back is given the text and the ending that others were; or, where it never began, begins it. */
async function readAgain(scene: Scene): Promise<void> {
  const run = scene.relay.registry.find(ALICE, ID);
  const client = await scene.connect();
  if (run === undefined) {
    const begun = scene.upstream.calls.length;
    const stream = client.start(BODY);
    const call = await scene.upstream.call(begun);
    call.text('anew');
    call.end();
    expect(await client.ended(stream)).toMatchObject({ type: 'done', textLength: 4 });
    return;
  }
  const stream = client.adopt(new HeldStream({ type: 'start', ...BODY }, ID));
  stream.epoch = run.epoch;
  client.resume(stream, 0);
  const ending = await client.ended(stream);
  const others = scene.held.filter(({ refusal }) => refusal === undefined);
  for (const other of others) await eventually('each has its ending', () => other.ending !== undefined);
  expect(others.map((other) => [other.text, other.ending])).toEqual(others.map(() => [stream.text, ending]));
  expect(['one ', 'one two ', '']).toContain(stream.text);
}

/** I3, I4, I5. A row that could not be settled, or was written without a word, is settled by the next start of the process. */
function checkBooks({ injector, ledger, quota, upstream, relay }: Scene): void {
  const { wait } = injector.failed ?? { wait: '' };
  const lost = injector.failure === 'loses the answer';
  const unsettled = [...ledger.rows.values()].filter(({ settlement }) => settlement === undefined);
  const isLeftOpen = wait === (lost ? 'ledger.open' : 'ledger.settle');
  expect(unsettled).toHaveLength(isLeftOpen ? 1 : 0);
  const withoutCall = wait === 'upstream.open' || (wait === 'ledger.open' && lost) ? 1 : 0;
  expect(ledger.rows.size).toBe(upstream.calls.length + withoutCall);
  expect(upstream.openRequests).toBe(0);
  expect(relay.registry.live).toBe(0);
  expect(quota.reservations).toBe(0);
}

/** I6, and the operator knows. */
function checkWords({ injector, told, said, clients }: Scene): void {
  const heard = [...said, ...clients.map(({ answers }) => JSON.stringify(answers))].join('\n');
  expect(heard).not.toContain('only-the-operator');
  const { failed } = injector;
  if (failed !== undefined) expect(told.filter((event) => isAbout(event, failed.error))).not.toEqual([]);
}

/** I7. */
async function checkNothingIsLeft({ clients, server, clock, relay, timers }: Scene): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
  await eventually(
    'all have left',
    () => server.connections + server.plainConnections + relay.connections === 0,
  );
  clock.advance(ALL_OVER_MS);
  await settled();
  expect(relay.registry.size).toBe(0);
  await eventually('no timer is left', () => clock.pending === timers);
}
