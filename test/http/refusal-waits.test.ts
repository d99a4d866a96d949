/** Whoever is refused for now learns when to come back, by whichever way they came; whoever waits in vain does not. */
import { describe, expect, it, vi } from 'vitest';
import { proxyFrame } from '../../src/legacy/old-frames.ts';
import { ERROR_CODES, ERROR_NAMES } from '../../src/protocol/codes.ts';
import type { ErrorFrame } from '../../src/protocol/frames.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import { encodeFrame, fromWire } from '../../src/protocol/wire-text.ts';
import { createCore, start } from '../support/core.ts';
import { type Answer, ask } from '../support/http-doors.ts';
import { settled } from '../support/quiet.ts';
import { refusedHandshake } from './raw-client.ts';
import { startServer } from './start-server.ts';

interface Refusal {
  readonly error: RelayError;
  /** Least and most, seconds; undefined where nothing is to be said. */
  readonly seconds: readonly [least: number, most: number] | undefined;
}

const NOBODY_KNOWS = [1, 4] as const;

/** Every code that a refusal for now, or for too many, can have. */
const CODES = ERROR_NAMES.filter((code) => [429, 503].includes(ERROR_CODES[code].status));

const REFUSALS: readonly Refusal[] = [
  ...CODES.map(
    (code): Refusal => ({
      error: new RelayError(code, 'not now'),
      seconds: ERROR_CODES[code].retryable ? NOBODY_KNOWS : undefined,
    }),
  ),
  { error: new RelayError('unavailable', 'not now', { retryAfterMs: 6_500 }), seconds: [7, 7] },
  { error: new RelayError('upstream_account', 'not now', { retryAfterMs: 6_500 }), seconds: [7, 7] },
  { error: new RelayError('unavailable', 'never', { retryable: false }), seconds: undefined },
  { error: new RelayError('bad_request', 'never'), seconds: undefined },
];

const QUESTION = { action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] };
const OF_PROXY = { service_type: 'chat', payload: { prompt: 'Why is the sky blue?' } };
const EVENTS = { accept: 'text/event-stream' };

type Ask = (url: string) => Promise<Pick<Answer, 'status' | 'headers'> & { readonly body?: string }>;

const post =
  (path: string, body: object = QUESTION, headers: Readonly<Record<string, string>> = {}): Ask =>
  (url) =>
    ask(url + path, { method: 'POST', token: 'alice', body, headers });
const read =
  (path: string, token = 'alice', method = 'GET'): Ask =>
  (url) =>
    ask(url + path, { token, method });

/** `refused`: a token of which the check ends so. */
const ROUTES: Readonly<Record<string, Ask>> = {
  'a question, answered as JSON': post('/v1/chat'),
  'a question, answered as events': post('/v1/chat', QUESTION, EVENTS),
  'a stream read on': read('/v1/streams/s1'),
  'a stream stopped': read('/v1/streams/s1', 'alice', 'DELETE'),
  'the state of a stream': read('/v1/streams/s1/state'),
  'what is used': read('/v1/usage'),
  'a token of a question': (url) =>
    ask(`${url}/v1/chat`, { method: 'POST', token: 'refused', body: QUESTION }),
  'a token of a session': read('/v1/session', 'refused'),
  'ai-gateway': post('/functions/v1/ai-gateway'),
  'ai-gateway as events': post('/functions/v1/ai-gateway', QUESTION, EVENTS),
  'ai-proxy': post('/functions/v1/ai-proxy', OF_PROXY),
  'a token of ai-proxy': (url) =>
    ask(`${url}/functions/v1/ai-proxy`, { method: 'POST', token: 'refused', body: QUESTION }),
  'a handshake': (url) =>
    refusedHandshake(Number(new URL(url).port), { headers: { authorization: 'Bearer refused' } }),
};

function expectSeconds(said: unknown, { error, seconds }: Refusal): void {
  const about = `${error.code}, ${error.retryAfterMs ?? 'unknown'}`;
  if (seconds === undefined) {
    expect(said, about).toBeUndefined();
    return;
  }
  expect(Number(said), about).toBeGreaterThanOrEqual(seconds[0]);
  expect(Number(said), about).toBeLessThanOrEqual(seconds[1]);
}

it('there are codes that ask to wait, and some that do not', () => {
  const retryable = CODES.filter((code) => ERROR_CODES[code].retryable);
  expect(retryable).toEqual(
    expect.arrayContaining([
      'rate_limited',
      'too_many_streams',
      'too_many_connections',
      'shutting_down',
      'unavailable',
    ]),
  );
  expect(retryable.length).toBeLessThan(CODES.length);
});

describe('over HTTP, `Retry-After` says it', () => {
  it.each(Object.entries(ROUTES))('%s', async (_name, asked) => {
    let refusal: RelayError | undefined;
    const refuse = async (): Promise<never> => {
      throw refusal;
    };
    const relay = {
      start: refuse,
      resume: refuse,
      cancel: refuse,
      stateOf: refuse,
      streamsOf: refuse,
      forget: refuse,
    };
    const { url, authenticator } = await startServer({ routes: { relay, usageOf: refuse } });
    for (const each of REFUSALS) {
      refusal = each.error;
      authenticator.tokens.set('refused', refusal);
      const { status, headers, body } = await asked(url);
      expect(status).toBe(refusal.status);
      expectSeconds(headers['retry-after'], each);
      const { retry_after_seconds: old } = JSON.parse(body ?? '{}') as {
        readonly retry_after_seconds?: number;
      };
      if (old !== undefined) expectSeconds(old, each);
    }
  });

  it('ai-proxy, which said it in the body, still does', async () => {
    const unavailable = new RelayError('unavailable', 'not now', { retryAfterMs: 6_500 });
    const start = async (): Promise<never> => {
      throw unavailable;
    };
    const { url } = await startServer({
      routes: {
        relay: { start, resume: start, cancel: start, stateOf: start, streamsOf: start, forget: start },
      },
    });
    const { body = '' } = (await ROUTES['ai-proxy']?.(url)) ?? {};
    expect(JSON.parse(body)).toMatchObject({ retry_after_seconds: 7, retryable: true });
  });

  it('a quota that is used up names its end', async () => {
    const used = new RelayError('quota_exceeded', 'used up', { quota: { resetsAt: Date.now() + 60_000 } });
    const { url, authenticator } = await startServer();
    authenticator.tokens.set('refused', used);
    const { headers } = await ask(`${url}/v1/usage`, { token: 'refused' });
    expect(Number(headers['retry-after'])).toBeGreaterThan(50);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60);
  });

  it.each(['draining', 'overloaded'] as const)(
    'a machine that is %s refuses handshakes so',
    async (state) => {
      const { url, port, health } = await startServer();
      health.state = state;
      const answers = [await refusedHandshake(port), await ask(`${url}/v1/session`, { token: 'alice' })];
      for (const { status, headers } of answers) {
        expect(status).toBe(503);
        expectSeconds(headers['retry-after'], {
          error: new RelayError('unavailable', ''),
          seconds: NOBODY_KNOWS,
        });
      }
    },
  );

  it('not all who are refused together are told the same', async () => {
    const { port, health } = await startServer();
    health.state = 'overloaded';
    const answers = await Promise.all(Array.from({ length: 60 }, () => refusedHandshake(port)));
    expect(new Set(answers.map(({ headers }) => headers['retry-after'])).size).toBeGreaterThan(1);
  });
});

describe('over a WebSocket, `retryAfterMs` says it', () => {
  const resume = { type: 'resume', id: 's1', epoch: 'an-epoch', after: 0 };
  it.each([
    ['start', start('s1')],
    ['resume', resume],
    ['cancel', { type: 'cancel', id: 's1' }],
    ['ack', { type: 'ack', id: 's1', seq: 1 }],
  ])('of a %s', async (of, frame) => {
    for (const each of REFUSALS) {
      const { relay, connect } = createCore();
      const socket = connect();
      vi.spyOn(relay.registry, 'find').mockImplementation(() => {
        throw each.error;
      });
      socket.send(frame);
      await settled();
      const [told] = socket.of('error');
      expect(told).toMatchObject({ of, code: each.error.code });
      expectSeconds(told?.retryAfterMs === undefined ? undefined : Math.ceil(told.retryAfterMs / 1000), each);
    }
  });

  it('of a connection of ai-proxy, in the words of that time', () => {
    const frame: ErrorFrame = { type: 'error', code: 'unavailable', message: 'not now', retryable: true };
    const old = (error: ErrorFrame): unknown =>
      JSON.parse(fromWire(proxyFrame(encodeFrame(error))?.wire ?? ('' as never)));
    expect(old({ ...frame, retryAfterMs: 1_200 })).toMatchObject({
      error: 'unavailable',
      retry_after_seconds: 2,
    });
    expect(old(frame)).not.toHaveProperty('retry_after_seconds');
  });
});
