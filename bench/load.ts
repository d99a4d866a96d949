/**
 * The load generator, a process of its own, which counts its own CPU so that it is seen not to be the bottleneck.
 * With its options as one JSON argument: prepares (`ready`), on `connect` opens all connections (`connected`),
 * on `stream` starts the streams over the ramp (`live`), answers `reset` and `report`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Meter } from './load/meter.ts';
import type { LoadOptions } from './load/port.ts';
import { RelayClient } from './load/relay-client.ts';
import { SseClient } from './load/sse-client.ts';
import { mintTokens } from './load/tokens.ts';
import { obey, tell } from './messages.ts';

type Client = RelayClient | SseClient;

/** Each client acknowledges every ACK_MS; the clients are dealt to that many slices so that acks do not come in bursts. */
const ACK_MS = 500;
const ACK_SLICES = 50;

const options = JSON.parse(process.argv[2] ?? '{}') as LoadOptions;
const meter = new Meter();
const clients: Client[] = [];
const tokens = options.kind === 'websocket' ? await mintTokens(options.port, options.connections) : [];

obey({
  connect: () => void run(connectAll),
  stream: () => void run(startAll),
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
  tell('connected', { seconds: (performance.now() - begun) / 1000 });
}

function connect(index: number): Client {
  const name = `c${index}`;
  if (options.kind === 'sse') return new SseClient(options.port, name, meter);
  const { port, cancelAfter } = options;
  return new RelayClient({ port, token: tokens[index] ?? '', name, cancelAfter }, meter);
}

async function startAll(): Promise<void> {
  setInterval(acknowledgeSlice, ACK_MS / ACK_SLICES);
  const begun = performance.now();
  for (let started = 0; started < options.streams; ) {
    const due = Math.ceil(((performance.now() - begun) / Math.max(1, options.rampMs)) * options.streams);
    for (; started < Math.min(due, options.streams); started += 1) clients[started % clients.length]?.start();
    await delay(1);
  }
  tell('live');
}

let slice = 0;
function acknowledgeSlice(): void {
  slice = (slice + 1) % ACK_SLICES;
  for (let index = slice; index < clients.length; index += ACK_SLICES) {
    const client = clients[index];
    if (client instanceof RelayClient) client.acknowledge();
  }
}
