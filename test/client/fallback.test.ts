/** When the drop-in leaves the relay for the app's own function, and when it must not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type AIServiceOptions,
  type AIServiceParams,
  createAIService,
  type Fallback,
} from '../../src/client/ai-service.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { settled } from '../support/quiet.ts';
import { until } from './test-client.ts';

const FLAGS = { EXPO_PUBLIC_AI_STREAMING_ENABLED: 'true', EXPO_PUBLIC_USE_WEBSOCKET_STREAMING: 'true' };
const PARAMS: AIServiceParams = { action: 'chat', messages: [{ role: 'user', content: 'Hello' }] };
/** The body of the old function. */
const OLD = {
  content: 'of old',
  usage: { input_tokens: 12, output_tokens: 3 },
  cost: 0.001,
  stop_reason: 'end_turn',
};

type Route = () => Promise<Response>;
const refused: Route = async () => {
  throw new TypeError('no network');
};

function serviceWith(url: string, options: Partial<AIServiceOptions> & Pick<AIServiceOptions, 'getToken'>) {
  const fallback = vi.fn<Fallback<AIServiceParams>>(async () => OLD);
  const service = createAIService({
    flags: { EXPO_PUBLIC_DASH_RELAY_URL: url, ...FLAGS },
    fallback,
    ...options,
  });
  onTestFinished(() => service.client.close());
  const chunks: string[] = [];
  const phases: string[] = [];
  const ask = (signal?: AbortSignal, params = PARAMS) =>
    service.callAIServiceStreaming(params, (chunk) => chunks.push(chunk), {
      signal,
      onPhase: (phase) => phases.push(phase),
    });
  return { ask, fallback, chunks, phases };
}

/** Nobody is there. Time is moved by hand. */
function withoutRelay(options: Partial<AIServiceOptions> = {}, route = refused) {
  const clock = new ManualClock();
  const requests: string[] = [];
  const service = serviceWith('http://relay.test', {
    clock,
    getToken: () => 'token',
    fetch: async (url, { method }) => {
      requests.push(`${method} ${new URL(url).pathname}`);
      return await route();
    },
    webSocket: () => {
      throw new Error('no network');
    },
    ...options,
  });
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(250);
      await settled();
    }
  };
  return { ...service, clock, requests, pass };
}

async function realRelay(environment: Record<string, string> = {}) {
  const relay = await startTestRelay({ environment, pace: { firstTokenMs: 0, deltasPerSecond: 20 } });
  onTestFinished(() => relay.close());
  return { ...serviceWith(relay.url, { getToken: () => relay.token() }), relay };
}

describe('a flag that says no', () => {
  it.each([
    ['WebSockets rolled back', { ...FLAGS, EXPO_PUBLIC_USE_WEBSOCKET_STREAMING: 'false' }],
    ['streaming off', { EXPO_PUBLIC_AI_STREAMING_ENABLED: 'false' }],
    ['none', {}],
  ])('asks the app’s function at once, and the relay nothing: %s', async (_name, flags) => {
    const { ask, fallback, chunks, requests, phases } = withoutRelay({ flags });
    await expect(ask()).resolves.toMatchObject({
      ...OLD,
      metadata: { transport: 'fallback', outcome: 'done' },
    });
    expect(fallback.mock.calls[0]?.[0]).toBe(PARAMS);
    expect(chunks).toEqual(['of old']);
    expect(requests).toEqual([]);
    expect(phases).toEqual(['thinking', 'streaming', 'done']);
  });
});

describe('a relay that is not reached', () => {
  it.each([
    ['connections are refused', refused],
    ['a proxy answers 502', async () => new Response('<h1>Bad Gateway</h1>', { status: 502 })],
    ['nothing is answered', () => new Promise<Response>(() => {})],
  ])(
    'is left after 10 s where %s, and the next questions do not wait for half a minute',
    async (_where, route) => {
      const { ask, fallback, pass, phases } = withoutRelay({}, route);
      const answer = ask();
      await pass(9750);
      expect(fallback).not.toHaveBeenCalled();
      await pass(250);
      expect(await answer).toMatchObject({ content: 'of old', metadata: { usage: { outputTokens: 3 } } });
      expect(phases).not.toContain('failed');
      await ask();
      expect(fallback).toHaveBeenCalledTimes(2);
      await pass(30_000);
      const again = ask();
      await pass(250);
      expect(fallback).toHaveBeenCalledTimes(2);
      await pass(9750);
      await again;
      expect(fallback).toHaveBeenCalledTimes(3);
    },
  );

  it('is told to stop what may have arrived there', async () => {
    const { ask, pass, requests } = withoutRelay({ transports: ['json'] });
    const answer = ask();
    await pass(10_000);
    await answer;
    await pass(5000);
    expect(requests.filter((request) => request.startsWith('DELETE /v1/streams/'))).not.toHaveLength(0);
  });

  it('is waited for as ever without a function of the app’s own', async () => {
    const { ask, pass } = withoutRelay({ fallback: undefined });
    const answer = ask();
    answer.catch(() => {});
    await pass(29_750);
    await pass(250);
    await expect(answer).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('the app’s function', () => {
  it('may stream, and its pieces are handed on once', async () => {
    const { ask, fallback, chunks } = withoutRelay({ flags: {} });
    fallback.mockImplementation(async (_params, onChunk) => {
      onChunk('of ');
      onChunk('old');
      return { content: 'of old' };
    });
    const { usage, cost, metadata } = await ask();
    expect(chunks).toEqual(['of ', 'old']);
    expect(usage).toMatchObject({ input_tokens: 0, output_tokens: 0 });
    expect([cost, metadata.usage.source, metadata.timing.chunks]).toEqual([null, 'none', 2]);
  });

  it.each([
    ['nothing', undefined],
    ['what `invoke` has beside an error', null],
    ['an error with status 200', { error: 'quota_exceeded' }],
    ['text that is no JSON', '<h1>502</h1>'],
    ['no text', { content: 7 }],
  ])('that answers %s has failed: nobody stopped it, and nothing is shown', async (_what, answer) => {
    const { ask, fallback, chunks, phases } = withoutRelay({ flags: {} });
    fallback.mockResolvedValue(answer as never);
    await expect(ask()).rejects.toMatchObject({
      code: 'bad_request',
      message: 'fallback: its answer has no text in `content`',
    });
    expect(chunks).toEqual([]);
    expect(phases).toEqual(['thinking', 'failed']);
  });

  it('may say all of it by pieces, or nothing', async () => {
    const { ask, fallback, phases } = withoutRelay({ flags: {} });
    fallback.mockImplementationOnce(async (_params, onChunk) => {
      onChunk('of old');
      return undefined as never;
    });
    expect(await ask()).toMatchObject({ content: 'of old', metadata: { outcome: 'done' } });
    fallback.mockResolvedValueOnce({ content: '' });
    expect(await ask()).toMatchObject({ content: '', metadata: { outcome: 'done' } });
    expect(phases.at(-1)).toBe('done');
  });

  it('is not torn by what the app’s own callbacks throw, as an answer of the relay is not', async () => {
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => thrown.push(error));
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    });
    const gone = new Error('the screen is gone');
    const service = createAIService({ flags: {}, fallback: async () => OLD, getToken: () => 'token' });
    const tear = (): never => {
      throw gone;
    };
    const answer = service.callAIServiceStreaming(PARAMS, tear, { onPhase: tear });
    await expect(answer).resolves.toMatchObject({ content: 'of old', metadata: { outcome: 'done' } });
    await settled();
    expect(thrown).toEqual([gone, gone, gone, gone]);
  });

  it('fails with its own error, and the relay is asked again the next time', async () => {
    const { ask, fallback, pass, phases } = withoutRelay();
    const failure = new Error('quota_exceeded');
    fallback.mockRejectedValue(failure);
    for (const calls of [1, 2]) {
      const answer = ask();
      answer.catch(() => {});
      await pass(10_000);
      await expect(answer).rejects.toBe(failure);
      expect(fallback).toHaveBeenCalledTimes(calls);
    }
    expect(phases.filter((phase) => phase === 'failed')).toHaveLength(2);
  });

  it('is not asked where the caller has stopped before', async () => {
    const { ask, fallback } = withoutRelay({ flags: {} });
    expect(await ask(AbortSignal.abort())).toMatchObject({ content: '', metadata: { outcome: 'cancelled' } });
    expect(fallback).not.toHaveBeenCalled();
  });

  it('is not asked where the caller stops while the relay is looked for', async () => {
    const { ask, fallback, pass } = withoutRelay();
    const abort = new AbortController();
    const answer = ask(abort.signal);
    await pass(5000);
    abort.abort();
    expect((await answer).metadata.outcome).toBe('cancelled');
    await pass(30_000);
    expect(fallback).not.toHaveBeenCalled();
  });

  it('is not waited for where the caller stops meanwhile, and hears of it', async () => {
    const { ask, fallback, chunks } = withoutRelay({ flags: {} });
    let late: ((text: string) => void) | undefined;
    fallback.mockImplementation((_params, onChunk) => {
      late = onChunk;
      onChunk('of ');
      return new Promise(() => {});
    });
    const abort = new AbortController();
    const answer = ask(abort.signal);
    expect(fallback.mock.calls[0]?.[2].signal).toBe(abort.signal);
    abort.abort();
    expect(await answer).toMatchObject({
      content: 'of ',
      metadata: { outcome: 'cancelled', transport: 'fallback' },
    });
    late?.('old');
    expect(chunks).toEqual(['of ']);
  });
});

describe('the operator’s kill switch', () => {
  it.each(['true', undefined])('sends the question on at once, WebSockets %s', async (websockets) => {
    const { relay } = await realRelay({ RELAY_ENABLED: 'false' });
    const flags = {
      ...FLAGS,
      EXPO_PUBLIC_DASH_RELAY_URL: relay.url,
      EXPO_PUBLIC_USE_WEBSOCKET_STREAMING: websockets,
    };
    const { ask, fallback, phases } = serviceWith(relay.url, { getToken: () => relay.token(), flags });
    expect(await ask()).toMatchObject({ content: 'of old', metadata: { transport: 'fallback' } });
    expect(fallback).toHaveBeenCalledOnce();
    expect(relay.simulator.requests).toHaveLength(0);
    expect(phases.at(-1)).toBe('done');
  });

  it('in mid-answer lets the answer end, and sends the next question on', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'switches-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const SWITCHES_FILE = join(directory, 'switches.json');
    const { ask, fallback, relay, chunks } = await realRelay({ SWITCHES_FILE });
    relay.simulator.script({ deltas: Array.from({ length: 80 }, (_, n) => `${n} `) });
    const answer = ask();
    await until(() => chunks.length > 2);
    writeFileSync(SWITCHES_FILE, '{"relayEnabled": false}');
    const { content, metadata } = await answer;
    expect(content).toMatch(/79 $/);
    expect(metadata.transport).toBe('websocket');
    expect((await ask()).metadata.transport).toBe('fallback');
    expect(fallback).toHaveBeenCalledOnce();
    expect(relay.simulator.requests).toHaveLength(1);
  });
});

describe('a question that the relay took is never asked twice', () => {
  it('where the model fails before a word', async () => {
    const { ask, fallback, relay, phases } = await realRelay();
    relay.simulator.script('bad-request');
    await expect(ask()).rejects.toMatchObject({ code: 'upstream_refused', content: '' });
    expect(fallback).not.toHaveBeenCalled();
    expect(phases.at(-1)).toBe('failed');
  });

  it('where the answer breaks off midway: the error has the text', async () => {
    const { ask, fallback, relay } = await realRelay();
    relay.simulator.script('truncate');
    await expect(ask()).rejects.toMatchObject({
      code: 'upstream_truncated',
      content: expect.stringMatching(/./),
    });
    expect(fallback).not.toHaveBeenCalled();
  });

  it('where the plan has no room: that is the user’s to know', async () => {
    const { ask, fallback } = await realRelay({ MAX_STREAMS_PER_USER: '1' });
    const first = new AbortController();
    const running = ask(first.signal);
    const second = ask();
    const [{ code }] = [await Promise.race([running, second]).catch((error) => error)];
    expect(code).toBe('too_many_streams');
    first.abort();
    await Promise.allSettled([running, second]);
    expect(fallback).not.toHaveBeenCalled();
  });
});

it('passes on what the app has: longest answer, messages as it stores them', async () => {
  const { ask } = await realRelay();
  // As the app has them: no literal types.
  const stored: { role: string; content: string }[] = [
    { role: 'system', content: 'You are Dash.' },
    { role: 'user', content: 'Hello' },
  ];
  const { content, usage, stop_reason, model, cost } = await ask(undefined, {
    ...PARAMS,
    messages: stored,
    maxTokens: 77,
  });
  expect(content).not.toBe('');
  expect(usage).toEqual({
    input_tokens: expect.any(Number),
    output_tokens: 77,
    cache_read_input_tokens: expect.any(Number),
    cache_creation_input_tokens: expect.any(Number),
  });
  expect([stop_reason, model, cost]).toEqual(['max_tokens', expect.stringContaining('claude'), null]);
});
