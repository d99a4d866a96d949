/** A school has one address, and at the bell all of it connects in one instant. */
import { expect, it, onTestFinished } from 'vitest';
import { createDashClient } from '../../src/client/create-dash-client.ts';
import type { Transport } from '../../src/client/dash-stream.ts';
import type { Environment } from '../../src/config/environment.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { dataDirectory, spawnRelay, upstreamAt } from '../support/relay-process.ts';
import { percentiles, report } from '../support/test-run.ts';
import { QUESTION } from './test-client.ts';

/** An empty key is unset: the defaults hold, but for tokens of the development issuer, which are fetched before. */
const DEFAULTS: Environment = {
  MAX_CONNECTIONS_PER_USER: '',
  MAX_CONNECTIONS_PER_IP: '',
  UPGRADES_PER_SECOND_PER_IP: '',
  MAX_STREAMS_PER_CONNECTION: '',
  MAX_STREAMS_PER_USER: '',
  STARTS_PER_MINUTE: '',
  FRAMES_PER_MINUTE: '',
};
/** Patient: what a busy test machine makes of its time is not what this is about. */
const PATIENCE = { connectMs: 60_000, contactMs: 120_000 };
const TEST_MS = 60_000;

it(
  'of 300 pupils none is refused by the default limits',
  async () => {
    const { transports, refused, asked } = await ring(300);
    expect(refused).toBe(0);
    expect(transports).toEqual(Array(300).fill('websocket'));
    expect(asked).toBe(300);
  },
  TEST_MS,
);

it(
  'who is refused for the crowd comes back by itself, by a WebSocket, and each question is asked once',
  async () => {
    const { transports, refused, asked } = await ring(60, { UPGRADES_PER_SECOND_PER_IP: '20' });
    expect(refused).toBeGreaterThan(0);
    expect(transports).toEqual(Array(60).fill('websocket'));
    expect(asked).toBe(60);
  },
  TEST_MS,
);

/** So many users connect and ask at once. Resolves when all are answered, with how often the model was asked. */
async function ring(pupils: number, environment: Environment = {}) {
  using data = dataDirectory();
  const simulator = await startSimulator();
  onTestFinished(() => simulator.close());
  await using relay = await spawnRelay(data.path, {
    ...upstreamAt(simulator.url),
    ...DEFAULTS,
    ...environment,
  });
  const tokens = await Promise.all(Array.from({ length: pupils }, (_, user) => relay.token(user)));
  const begun = performance.now();
  let refused = 0;
  const waits: number[] = [];
  const ask = async (token: string): Promise<Transport> => {
    const client = createDashClient({
      url: relay.url,
      getToken: () => token,
      ...PATIENCE,
      webSocket(url, protocol) {
        const socket = new WebSocket(url, [protocol, `bearer.${token}`]);
        socket.addEventListener('error', () => (refused += 1));
        return socket as never;
      },
    });
    const stream = client.stream(QUESTION, { onChunk: first(waits, begun) });
    try {
      return (await stream.final).transport;
    } finally {
      client.close();
    }
  };
  const transports = await Promise.all(tokens.map(ask));
  report(
    `${pupils} pupils, ${refused} handshakes refused; from the bell to the first word, ms: ${percentiles(waits)}`,
  );
  return { transports, refused, asked: simulator.requests.length };
}

/** Notes the time of the first call. */
function first(waits: number[], begun: number): () => void {
  let called = false;
  return () => {
    if (!called) waits.push(performance.now() - begun);
    called = true;
  };
}
