/** Switches are thrown while two hundred answers are under way: none is cut, and every client moves. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createDashClient, DashError, type DashStream, type Transport } from '../../src/client/index.ts';
import { bearerSubprotocol, type WebSocketFactory } from '../../src/client/platform.ts';
import { openFleetTable } from '../../src/cluster/open-shared-runs.ts';
import { until } from '../client/test-client.ts';
import { startRelay, type TestRelay } from '../support/relay-process.ts';
import { type SteppedModel, startSteppedModel } from '../support/stepped-model.ts';
import { percentiles, report } from '../support/test-run.ts';
import { startRedis } from './redis-server.ts';

const CLIENTS = 200;
const QUESTION = { action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] } as const;

/** What an operator says, by the names of SWITCHES_FILE, and where clients are to be then. */
const SWITCHES: readonly (readonly [
  said: Readonly<Record<string, boolean | number>>,
  transport: Transport,
])[] = [
  [{ websocketPercent: 0 }, 'sse'],
  [{ websocketPercent: 100 }, 'websocket'],
  [{ websocketPercent: 100, streamingEnabled: false }, 'json'],
  [{ websocketPercent: 100, streamingEnabled: true }, 'websocket'],
];

const ALL_ON = { websocketPercent: 100, streamingEnabled: true, relayEnabled: true };

interface Told {
  transport?: Transport;
  enabled?: boolean;
  at: number;
}

/** A client of the SDK with sockets of its own, and what the relay told it last. */
function connect(relay: TestRelay, token: string) {
  const told: Told = { at: 0 };
  let sockets = 0;
  const webSocket: WebSocketFactory = (...opening) => {
    sockets += 1;
    const socket = bearerSubprotocol(...opening) as WebSocket;
    socket.addEventListener('message', ({ data }) => {
      const { type, transport, enabled } = JSON.parse(data as string) as { type: string } & Partial<Told>;
      if (type === 'config') Object.assign(told, { transport, enabled, at: performance.now() });
    });
    return socket as ReturnType<WebSocketFactory>;
  };
  const client = createDashClient({ url: relay.url, getToken: () => token, webSocket });
  return { client, told, sockets: () => sockets };
}

/** As many calls of the model as there are clients, from that one on. */
function callsFrom(model: SteppedModel, first: number) {
  return Promise.all(Array.from({ length: CLIENTS }, (_, index) => model.call(first + index)));
}

type SetSwitches = (said: (typeof SWITCHES)[number][0]) => unknown;
type Client = ReturnType<typeof connect>;

/** Sets it, and resolves once each client was told of what is to hold. */
async function switchAll(
  where: string,
  clients: readonly Client[],
  said: Parameters<SetSwitches>[0],
  set: SetSwitches,
  expected: Partial<Told>,
): Promise<void> {
  const began = performance.now();
  await set(said);
  const isTold = ({ told }: Client): boolean =>
    told.transport === expected.transport && told.enabled === expected.enabled;
  await until(() => clients.every(isTold));
  const ms = clients.map(({ told }) => told.at - began);
  report(`${where}, ${JSON.stringify(said)}: ${CLIENTS} clients told after ${percentiles(ms)} ms`);
}

/** Off, while answers go on, and on again. */
async function throwKillSwitch(where: string, clients: readonly Client[], set: SetSwitches): Promise<void> {
  await switchAll(where, clients, { ...ALL_ON, relayEnabled: false }, set, {
    transport: 'websocket',
    enabled: false,
  });
  const refusals = await Promise.all(
    clients.map(({ client }) => client.stream(QUESTION).final.catch((error: unknown) => error)),
  );
  const others = refusals.filter((error) => !(error instanceof DashError && error.code === 'unavailable'));
  expect(others).toEqual([]);
  await switchAll(where, clients, ALL_ON, set, { transport: 'websocket', enabled: true });
}

async function throwSwitches(
  where: string,
  relays: readonly TestRelay[],
  model: SteppedModel,
  set: SetSwitches,
): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, user) => {
      const relay = relays[user % relays.length] as TestRelay;
      return connect(relay, await relay.token(user));
    }),
  );
  const live: DashStream[] = clients.map(({ client }) => client.stream(QUESTION));
  const calls = await callsFrom(model, 0);
  let said = '';
  for (const [place, [switches, transport]] of SWITCHES.entries()) {
    for (const call of calls) call.text(`${place} `);
    said += `${place} `;
    await until(() => live.every(({ content }) => content === said));
    await switchAll(where, clients, switches, set, { transport, enabled: true });
    const next = clients.map(({ client }) => client.stream(QUESTION).final);
    for (const call of await callsFrom(model, (place + 1) * CLIENTS)) {
      call.text('Because.');
      call.end();
    }
    expect(new Set((await Promise.all(next)).map((answer) => answer.transport))).toEqual(
      new Set([transport]),
    );
  }
  await throwKillSwitch(where, clients, set);
  for (const call of calls) call.end();
  const answers = await Promise.all(live.map(({ final }) => final));
  expect(answers.filter(({ outcome, content }) => outcome !== 'done' || content !== said)).toEqual([]);
  expect(new Set(answers.map((answer) => answer.transport))).toEqual(new Set(['websocket']));
  expect(clients.filter(({ sockets }) => sockets() !== 1)).toEqual([]);
  for (const { client } of clients) client.close();
}

it('in the file of a machine', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'switches-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'switches.json');
  await using model = await startSteppedModel();
  await using relay = await startRelay({ ...model.environment, SWITCHES_FILE: file });
  await throwSwitches('file', [relay], model, (said) => writeFileSync(file, JSON.stringify(said)));
});

it('for a fleet of two', async () => {
  await using redis = await startRedis();
  await using model = await startSteppedModel();
  const common = { ...model.environment, REDIS_URL: redis.url, REDIS_PREFIX: 'dash:test' };
  await using a = await startRelay(common);
  await using b = await startRelay(common);
  const fleet = openFleetTable('switches', { url: redis.url, prefix: 'dash:test', issuer: '' });
  onTestFinished(() => fleet.close());
  await throwSwitches('fleet', [a, b], model, (said) =>
    fleet.change(Object.fromEntries(Object.entries(said).map(([name, value]) => [name, String(value)]))),
  );
});
