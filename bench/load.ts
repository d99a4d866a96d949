/**
 * The load generator, a process of its own, which counts its own CPU so that it is seen not to be the bottleneck.
 * With its options as one JSON argument: prepares (`ready`), on `connect` opens all connections (`connected`),
 * on `stream` raises the live streams to a number (`live`), on `storm` cuts all connections and opens them again
 * (`storm`), answers `reset` and `report`.
 */
import { setPriority } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { mintTokens } from './issuer/tokens.ts';
import { ChatClient } from './load/chat-client.ts';
import type { LoadClient } from './load/client.ts';
import { Meter } from './load/meter.ts';
import { PlanClient } from './load/plan-client.ts';
import type { ConnectedReport, LoadOptions, StreamCommand } from './load/port.ts';
import { RelayClient } from './load/relay-client.ts';
import { SseClient } from './load/sse-client.ts';
import { reconnectAfterAWhile, storm } from './load/storm.ts';
import { obey, tell } from './messages.ts';

/** Each client acknowledges every ACK_MS; the clients are dealt to that many slices so that acks do not come in bursts. */
const ACK_MS = 500;
const ACK_SLICES = 50;

const options = JSON.parse(process.argv[2] ?? '{}') as LoadOptions;
const { kind, asks } = options.door;
const hasTokens = kind === 'relay' || kind === 'chats' || asks !== undefined;
if (options.nice !== undefined) setPriority(options.nice);
const meter = new Meter();
const clients: LoadClient[] = [];
const tokens = hasTokens ? mintTokens(options.signer, options.name, options.connections) : [];
let started = 0;

obey({
  connect: () => void run(connectAll),
  stream: (message) => void run(() => startUpTo(message as unknown as StreamCommand)),
  storm: () => void run(async () => tell('storm', await storm(clients.filter(isRelayClient)))),
  reset: () => {
    meter.reset();
    tell('reset');
  },
  report: () => tell('report', meter.report()),
});
tell('ready');

async function run(phase: () => Promise<void>): Promise<void> {
  try {
    await phase();
  } catch (error) {
    process.stderr.write(`load: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

async function connectAll(): Promise<void> {
  const begun = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < options.connections) {
      const index = next;
      next += 1;
      const client = connect(index);
      await client.ready;
      clients[index] = client;
    }
  };
  await Promise.all(Array.from({ length: options.opening }, worker));
  setInterval(acknowledgeSlice, ACK_MS / ACK_SLICES);
  if (options.cutsPerSecond !== undefined) setInterval(cutNext, 1000 / options.cutsPerSecond);
  const report: ConnectedReport = { seconds: (performance.now() - begun) / 1000 };
  tell('connected', report);
}

function connect(index: number): LoadClient {
  const own = { ...options, name: `${options.name}${index}`, token: tokens[index] ?? '' };
  if (kind === 'sse') return new SseClient(own, meter);
  if (kind === 'plan') return new PlanClient(own, meter);
  return kind === 'chats' ? new ChatClient(own, meter) : new RelayClient(own, meter);
}

async function startUpTo({ streams, rampMs }: StreamCommand): Promise<void> {
  const begun = performance.now();
  const before = started;
  while (started < streams) {
    const passed = (performance.now() - begun) / Math.max(1, rampMs);
    const due = Math.min(streams, before + Math.ceil(passed * (streams - before)));
    for (; started < due; started += 1) {
      clients[Math.floor(started / options.perConnection) % clients.length]?.start();
    }
    await delay(1);
  }
  tell('live');
}

let slice = 0;
function acknowledgeSlice(): void {
  slice = (slice + 1) % ACK_SLICES;
  for (let index = slice; index < clients.length; index += ACK_SLICES) clients[index]?.acknowledge();
}

let cut = 0;
function cutNext(): void {
  const client = clients[cut % clients.length];
  cut += 1;
  if (client === undefined || !isRelayClient(client) || client.streams === 0) return;
  client.cut();
  void run(() => reconnectAfterAWhile(client));
}

function isRelayClient(client: LoadClient): client is RelayClient {
  return client instanceof RelayClient;
}
