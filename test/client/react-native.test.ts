import { expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket as HeaderWebSocket } from 'ws';
import { mintStreamId } from '../../src/client/platform.ts';
import { appSignals } from '../../src/react-native/app-signals.ts';
import { createAIService, createDashClient } from '../../src/react-native/index.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { QUESTION } from './test-client.ts';

async function startRelay() {
  const relay = await startTestRelay();
  onTestFinished(() => relay.close());
  return relay;
}

/** React Native's constructor takes headers as its third argument, as that of `ws` does. */
function likeReactNative() {
  const opened: unknown[][] = [];
  vi.stubGlobal('WebSocket', function WebSocket(...args: ConstructorParameters<typeof HeaderWebSocket>) {
    opened.push(args);
    return new HeaderWebSocket(...args);
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  return opened;
}

it('carries the token in a header and streams over one connection', async () => {
  const relay = await startRelay();
  const token = await relay.token();
  const opened = likeReactNative();
  const client = createDashClient({ url: relay.url, getToken: () => token, platform: 'ios' });
  onTestFinished(() => client.close());
  const streams = Array.from({ length: 3 }, () => client.stream(QUESTION));
  const answers = await Promise.all(streams.map(({ final }) => final));
  expect(answers.map(({ transport }) => transport)).toEqual(['websocket', 'websocket', 'websocket']);
  expect(opened).toEqual([
    [
      `${relay.url.replace('http', 'ws')}/v1/ws`,
      'dash-relay.v1',
      { headers: { Authorization: `Bearer ${token}` } },
    ],
  ]);
});

it('mints ids with crypto and without', () => {
  for (const crypto of [globalThis.crypto, undefined]) {
    vi.stubGlobal('crypto', crypto);
    const ids = Array.from({ length: 1000 }, mintStreamId);
    vi.unstubAllGlobals();
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{21,64}$/);
    expect(new Set(ids.map((id) => id.at(-1))).size).toBeGreaterThan(20);
  }
});

it('goes from WebSocket to JSON, and to SSE only with a fetch that streams', async () => {
  const relay = await startRelay();
  const noSocket = () => {
    throw new Error('blocked');
  };
  const options = { url: relay.url, getToken: () => relay.token(), webSocket: noSocket };
  const plain = createDashClient(options);
  const streaming = createDashClient({ ...options, fetch: (url, init) => fetch(url, init) });
  expect((await plain.stream(QUESTION).final).transport).toBe('json');
  expect((await streaming.stream(QUESTION).final).transport).toBe('sse');
  plain.close();
  streaming.close();
});

it('serves the app’s function the same way', async () => {
  const relay = await startRelay();
  likeReactNative();
  const { callAIServiceStreaming, client } = createAIService({
    flags: {
      EXPO_PUBLIC_DASH_RELAY_URL: relay.url,
      EXPO_PUBLIC_AI_STREAMING_ENABLED: 'true',
      EXPO_PUBLIC_USE_WEBSOCKET_STREAMING: 'true',
    },
    getToken: () => relay.token(),
  });
  const { metadata } = await callAIServiceStreaming(QUESTION, () => {});
  expect(metadata.transport).toBe('websocket');
  client.close();
});

it('turns AppState and NetInfo into signals, and lets go of both', () => {
  const heard: string[] = [];
  let appState: (state: string) => void = () => {};
  let netInfo: (state: { isConnected: boolean | null; type?: string }) => void = () => {};
  let open = 2;
  const close = (): void => {
    open -= 1;
  };
  const signals = appSignals(
    {
      addEventListener(_type, listener) {
        appState = listener;
        return { remove: close };
      },
    },
    {
      addEventListener(listener) {
        netInfo = listener;
        return close;
      },
    },
  );
  const unsubscribe = signals((signal) => heard.push(signal));
  appState('background');
  appState('active');
  netInfo({ isConnected: true, type: 'wifi' });
  netInfo({ isConnected: true, type: 'wifi' });
  netInfo({ isConnected: true, type: 'cellular' });
  netInfo({ isConnected: false, type: 'none' });
  netInfo({ isConnected: true, type: 'wifi' });
  expect(heard).toEqual(['wake', 'online', 'offline', 'online']);
  unsubscribe();
  expect(open).toBe(0);
});
