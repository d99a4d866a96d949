/** After `close()` nothing is left: no timer that keeps a process alive, no request, no socket. */
import { describe, expect, it } from 'vitest';
import type { DashClientOptions, DashStream } from '../../src/client/index.ts';
import { settled } from '../support/quiet.ts';
import { ScriptedRelay } from './scripted-relay.ts';

const aborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))));

type Fetched = NonNullable<DashClientOptions['fetch']>;
const hanging: Fetched = (_url, { signal }) => aborted(signal);
const refused: Fetched = async () => Promise.reject(new TypeError('refused'));
const onlyStreams =
  (streams: Fetched): Fetched =>
  async (url, init) =>
    /chat|streams/.test(url) ? await streams(url, init) : Response.json({ userId: 'someone' });
const openEvents: Fetched = async (_url, { signal }) => {
  const accepted = { type: 'accepted', id: 'x', epoch: 'epoch-0001', model: 'm' };
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(accepted)}\n\n`));
      signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
};

type State = readonly [
  options: Partial<DashClientOptions>,
  (relay: ScriptedRelay, stream: DashStream) => unknown,
];

const nothing = () => {};
const greet = (relay: ScriptedRelay) => relay.greet();
const STATES: Readonly<Record<string, State>> = {
  'waiting for a token': [{ getToken: () => new Promise(() => {}) }, nothing],
  'without a token': [{ getToken: () => Promise.reject(new Error('no network')) }, nothing],
  'waiting for the configuration': [{ fetch: hanging }, nothing],
  dialling: [{}, nothing],
  'greeted, a question unanswered': [{}, greet],
  streaming: [
    {},
    (relay, { id }) => {
      relay.greet();
      relay.accept(id);
      relay.socket.say({ type: 'chunk', id, seq: 1, content: 'Hello' });
    },
  ],
  'about to leave a machine': [
    {},
    (relay, { id }) => {
      relay.greet();
      relay.accept(id);
      relay.socket.say({
        type: 'going_away',
        reconnectAfterMs: 40_000,
        deadlineMs: 60_000,
        resume: 'elsewhere',
      });
    },
  ],
  'waiting to dial again': [
    {},
    (relay) => {
      relay.greet();
      relay.socket.end(4503);
    },
  ],
  'asking why a socket failed': [
    { fetch: onlyStreams(refused) },
    (relay) => {
      relay.socket.end(1006);
    },
  ],
  'asking why a socket failed, without an answer': [
    { fetch: (url, init) => (url.endsWith('/v1/session') ? hanging(url, init) : refused(url, init)) },
    (relay) => relay.socket.end(1006),
  ],
  'asking why events failed, without an answer': [
    {
      transports: ['sse'],
      fetch: (url, init) => (url.endsWith('/v1/session') ? hanging(url, init) : refused(url, init)),
    },
    nothing,
  ],
  'trying to renew a token': [
    { getToken: ({ refresh }) => (refresh ? Promise.reject(new Error('no network')) : 'token') },
    (relay) => {
      relay.greet();
      relay.socket.say({ type: 'token_expiring', expiresInMs: 60_000 });
    },
  ],
  'asking for events': [{ transports: ['sse'], fetch: onlyStreams(hanging) }, nothing],
  'reading events': [{ transports: ['sse'], fetch: onlyStreams(openEvents) }, nothing],
  'waiting to ask for events again': [{ transports: ['sse'], fetch: refused }, nothing],
  'waiting for one JSON answer': [{ transports: ['json'], fetch: onlyStreams(hanging) }, nothing],
  'waiting to ask for JSON again': [{ transports: ['json'], fetch: onlyStreams(refused) }, nothing],
  'stopping by a socket': [
    {},
    (relay, stream) => {
      relay.greet();
      void stream.cancel().catch(nothing);
    },
  ],
  'let go': [{}, (_relay, stream) => void stream.detach()],
};

describe.each(Object.entries(STATES))('closed while it is %s', (_name, [options, reach]) => {
  it('leaves no timer, asks nobody, and dials no more', async () => {
    let requests = 0;
    const { fetch = onlyStreams(hanging) } = options;
    const relay = new ScriptedRelay({
      ...options,
      fetch: (...request) => {
        requests += 1;
        return fetch(...request);
      },
    });
    const stream = relay.ask();
    await settled();
    await reach(relay, stream);
    await settled();
    relay.client.close();
    await settled();
    expect(relay.clock.pending).toBe(0);
    expect(relay.listening).toBe(false);
    expect(relay.sockets.every(({ closed }) => closed)).toBe(true);
    const before = [relay.sockets.length, relay.tokensAsked.length, requests];
    await relay.pass(120_000, 1000);
    expect([relay.sockets.length, relay.tokensAsked.length, requests]).toEqual(before);
    expect(['failed', 'detached', 'cancelled']).toContain(stream.phase);
  });
});

it('is given as long as a connection for a stop that is on its way', async () => {
  let told = 0;
  const relay = new ScriptedRelay({
    transports: ['sse'],
    fetch: onlyStreams((_url, { method, signal }) => {
      if (method === 'DELETE') told += 1;
      return aborted(signal);
    }),
  });
  const stream = relay.ask();
  await settled();
  void stream.cancel().catch(nothing);
  await settled();
  relay.client.close();
  await relay.pass(8000);
  expect(relay.clock.pending).toBe(0);
  await relay.pass(60_000);
  expect(told).toBe(1);
});

it('can be used again', async () => {
  const relay = new ScriptedRelay();
  await relay.streaming();
  relay.client.close();
  await settled();
  const stream = await relay.streaming();
  expect(stream.phase).toBe('streaming');
  expect(relay.sockets).toHaveLength(2);
});
