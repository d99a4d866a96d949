/**
 * `node bench/handshakes.ts`: what handshakes cost the relay, in CPU of its own process (Linux, loopback only).
 * Good tokens are each used once, because a signature that was proven is remembered; bad ones are sent by autocannon.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { mintTokens } from './load/tokens.ts';
import { cpuMicros } from './process-usage.ts';
import { relaySubject } from './relay.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const AUTOCANNON = fileURLToPath(import.meta.resolve('autocannon'));
const WARM_UP = 3000;
const MEASURED = 6000;
const AT_ONCE = 32;
const SECONDS = 5;
/** Nothing is asked of the model. */
const NO_UPSTREAM = { securePort: 9, plainPort: 9, certFile: '' };
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

interface Cost {
  readonly answers: number;
  readonly seconds: number;
  readonly cpuMicros: number;
}

await using relay = await relaySubject('relay', ROOT, '').start(NO_UPSTREAM);
const pid = relay.pid ?? process.pid;
const tokens = await mintTokens(relay.port, WARM_UP + MEASURED);
await openAll(tokens.slice(0, WARM_UP));
show('good tokens, each verified (ES256)', await costOf(() => openAll(tokens.slice(WARM_UP))));
show('good tokens, signatures remembered', await costOf(() => openAll(tokens.slice(-MEASURED))));
const [good = ''] = tokens;
for (const [what, token] of [
  ['forged: a signature of other claims', forged(good, tokens[1] ?? '')],
  ['no JWT at all', 'hello'],
] as const) {
  show(`${what}, at the handshake`, await costOf(() => fire('/v1/ws', token, HANDSHAKE)));
  show(`${what}, GET /v1/session`, await costOf(() => fire('/v1/session', token, {})));
}

/** Opens and closes one connection for each token; how many were served. */
async function openAll(each: readonly string[]): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let token = each[next++]; token !== undefined; token = each[next++]) await open(token);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return each.length;
}

async function open(token: string): Promise<void> {
  const socket = connect({ port: relay.port, host: '127.0.0.1', noDelay: true });
  const lines = Object.entries(headersOf(token, HANDSHAKE)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`refused: ${head}`);
}

/** Refusals that autocannon counts. */
async function fire(path: string, token: string, headers: object): Promise<number> {
  const flags = Object.entries(headersOf(token, headers)).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ]);
  const args = [
    AUTOCANNON,
    '--json',
    '--no-progress',
    '-c',
    String(AT_ONCE),
    '-d',
    String(SECONDS),
    ...flags,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...args,
    `http://127.0.0.1:${relay.port}${path}`,
  ]);
  const { statusCodeStats, non2xx } = JSON.parse(stdout) as {
    statusCodeStats: Record<string, { count: number }>;
    non2xx: number;
  };
  if (statusCodeStats['401']?.count !== non2xx || non2xx === 0) throw new Error(`not only 401: ${stdout}`);
  return non2xx;
}

function headersOf(token: string, more: object): Record<string, string> {
  return { ...more, authorization: `Bearer ${token}` };
}

function forged(token: string, other: string): string {
  return [...token.split('.').slice(0, 2), other.split('.')[2]].join('.');
}

async function costOf(run: () => Promise<number>): Promise<Cost> {
  const begun = performance.now();
  const before = cpuMicros(pid);
  const answers = await run();
  return { answers, cpuMicros: cpuMicros(pid) - before, seconds: (performance.now() - begun) / 1000 };
}

function show(what: string, { answers, seconds, cpuMicros: cpu }: Cost): void {
  const figures = [
    `${Math.round(answers / seconds)}/s as fast as this client could`,
    `${Math.round(cpu / answers)} µs of CPU each`,
    `${Math.round(1e6 / (cpu / answers))}/s per core`,
  ];
  process.stdout.write(`${what.padEnd(56)} ${figures.join(', ')}\n`);
}
