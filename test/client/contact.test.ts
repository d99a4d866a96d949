/** How long a question waits for a relay that is not there, and that an answer which takes long is none of that. */
import { describe, expect, it } from 'vitest';
import type { Transport } from '../../src/client/index.ts';
import { doneFrame, EPOCH, ScriptedRelay } from './scripted-relay.ts';

type Route = (init: { readonly signal?: AbortSignal }) => Promise<Response>;

const refused: Route = async () => {
  throw new TypeError('no network');
};
const badGateway: Route = async () => new Response('<h1>Bad Gateway</h1>', { status: 502 });
/** Takes the question, and says nothing until it is given up. */
const hangs: Route = ({ signal }) =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
/** As `fetch` of old phones: it does not even hear of being given up. */
const deaf: Route = () => new Promise(() => {});
const says =
  (body: object, status = 200): Route =>
  async () =>
    Response.json(body, { status });

const UNKNOWN = says({ error: { code: 'unknown_stream', message: 'no such stream', retryable: false } }, 404);
const LIVE = says({ id: 's', epoch: EPOCH, head: 7, state: 'live' });

/** A relay by routes, `config` and `session` as they should be unless they are given. */
function relayWith(transport: Transport, routes: Record<'chat', Route> & Partial<Record<string, Route>>) {
  const asked: string[] = [];
  const all: Record<string, Route | undefined> = {
    config: says({ transport, pollAfterMs: 300_000 }),
    session: says({ userId: 'someone' }),
    state: UNKNOWN,
    stop: UNKNOWN,
    ...routes,
  };
  const relay = new ScriptedRelay({
    transports: transport === 'json' ? ['json'] : [transport, 'json'],
    fetch: async (url, init) => {
      const last = new URL(url).pathname.split('/').at(-1) ?? '';
      const route = init.method === 'DELETE' ? 'stop' : last;
      asked.push(route);
      return (await all[route]?.(init)) ?? (await refused(init));
    },
  });
  const stream = relay.ask();
  let code: string | undefined;
  stream.final.catch((error) => {
    code = error.code;
  });
  return {
    relay,
    stream,
    routes: all,
    asked: (route: string) => asked.filter((each) => each === route).length,
    code: () => code,
  };
}

const away = (route: Route) => ({ config: route, session: route, state: route, stop: route, chat: route });

describe.each(['json', 'sse'] as const)('without a relay, over %s', (transport) => {
  it.each([
    ['connections are refused', away(refused)],
    ['a proxy answers in its place', away(badGateway)],
    ['connections hang', away(hangs)],
    ['requests hang and cannot be given up', away(deaf)],
    ['only questions are refused', { chat: refused }],
    ['only questions are answered by a proxy', { chat: badGateway }],
    ['only questions hang', { chat: hangs }],
    [
      'everything hangs after the first word',
      { ...away(hangs), config: says({ transport, pollAfterMs: 1 }) },
    ],
  ])('is unreachable after 30 s where %s', async (_where, routes) => {
    const { relay, code } = relayWith(transport, routes);
    await relay.pass(29_750);
    expect(code()).toBeUndefined();
    await relay.pass(250);
    expect(code()).toBe('unreachable');
  });
});

it('is unreachable as soon as the caller wants it', async () => {
  const relay = new ScriptedRelay({ contactMs: 10_000, fetch: () => refused({}) });
  const { final } = relay.ask();
  await relay.pass(10_000);
  await expect(final).rejects.toMatchObject({ code: 'unreachable' });
});

describe('an answer that is silent until it is whole', () => {
  it('is waited for as long as the relay says that it is written, and is asked for once', async () => {
    const { relay, asked, code } = relayWith('json', { chat: hangs, state: LIVE });
    await relay.pass(600_000, 1000);
    expect(code()).toBeUndefined();
    expect(asked('chat')).toBe(1);
    expect(asked('state')).toBeGreaterThan(5);
  });

  it('is waited for where an older relay does not know the path', async () => {
    const unknown = { code: 'not_found', message: 'no such path', retryable: false };
    const { relay, asked, code } = relayWith('json', { chat: hangs, state: says({ error: unknown }, 404) });
    await relay.pass(600_000, 1000);
    expect(code()).toBeUndefined();
    expect(asked('chat')).toBe(1);
  });

  it('is asked for again where it has ended, or never begun', async () => {
    const { relay, stream, routes, asked } = relayWith('json', { chat: hangs });
    await relay.pass(7500);
    const { timing, usage } = doneFrame('', 1) as Extract<ReturnType<typeof doneFrame>, { type: 'done' }>;
    routes['chat'] = says({
      id: stream.id,
      content: 'Hello',
      stopReason: 'end_turn',
      model: 'm',
      timing,
      usage,
    });
    await relay.pass(4000);
    await expect(stream.final).resolves.toMatchObject({ content: 'Hello' });
    expect(asked('chat')).toBe(2);
  });

  it('is given up two minutes after the relay was found to be gone, and can be attached to', async () => {
    const { relay, stream, routes, asked, code } = relayWith('json', { chat: hangs, state: LIVE });
    await relay.pass(8500);
    expect(asked('state')).toBe(1);
    Object.assign(routes, { ...away(hangs), stop: UNKNOWN });
    await relay.pass(16_000 + 119_500);
    expect(code()).toBeUndefined();
    await relay.pass(1000);
    expect(code()).toBe('unreachable');
    expect(asked('stop')).toBe(0);
    expect(stream.position).toMatchObject({ epoch: EPOCH });
  });
});

it('what was sent and never answered is stopped at the relay, as soon as that is heard', async () => {
  const { relay, routes, asked, code } = relayWith('json', away(hangs));
  await relay.pass(30_000);
  expect(code()).toBe('unreachable');
  routes['stop'] = UNKNOWN;
  await relay.pass(15_000);
  expect(asked('stop')).toBeGreaterThan(0);
});

it('nothing is stopped that was never sent', async () => {
  const { relay, asked, code } = relayWith('websocket', away(hangs));
  await relay.pass(30_000);
  expect(code()).toBe('unreachable');
  expect(asked('stop')).toBe(0);
});
