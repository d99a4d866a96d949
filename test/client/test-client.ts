/** A client of a relay under test, whose connections and metrics the test can see. */
import { onTestFinished } from 'vitest';
import {
  createDashClient,
  type DashClientOptions,
  type DashStream,
  type StreamingMetrics,
} from '../../src/client/index.ts';
import type { WebSocketFactory, WebSocketLike } from '../../src/client/platform.ts';
import type { TestRelay } from '../../src/testing/index.ts';

export const QUESTION = {
  action: 'chat',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
} as const;

/** Closed at the end of the test. `url`: of a proxy in front of the relay. */
export function connectTo(relay: Pick<TestRelay, 'url' | 'token'>, options: Partial<DashClientOptions> = {}) {
  const metrics: StreamingMetrics[] = [];
  const sockets: WebSocketLike[] = [];
  const requests: string[] = [];
  const webSocket: WebSocketFactory = (url, protocol, token) => {
    const socket = new WebSocket(url, [protocol, `bearer.${token}`]) as WebSocketLike;
    sockets.push(socket);
    return socket;
  };
  const client = createDashClient({
    url: relay.url,
    getToken: () => relay.token(),
    webSocket,
    fetch: (url, init) => {
      requests.push(`${init.method} ${new URL(url).pathname}`);
      return fetch(url, init);
    },
    onMetrics: (_event, fields) => metrics.push(fields),
    ...options,
  });
  onTestFinished(() => client.close());
  return { client, metrics, sockets, requests };
}

/** Every piece of text that an iterator over the stream yields. */
export async function piecesOf(stream: DashStream): Promise<string[]> {
  const pieces: string[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

/** Resolves as soon as the condition holds; looks at it each few ms. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
