/**
 * What a user would pick instead: the plan's own function on Deno and Node, Portkey's gateway on Bun, a server of the
 * AI SDK on Node. All from bench/peers, each in a process of its own, to the same upstream over TLS.
 */
import { chmodSync, existsSync } from 'node:fs';
import { freePort } from '../../test/support/free-port.ts';
import { MESSAGES_API } from './messages-api.ts';
import { PEERS, peerRuntime, peerVersion } from './peer-packages.ts';
import type { Backends, Door, Environment, Subject } from './port.ts';
import { startServer } from './server-process.ts';

interface Peer {
  readonly name: string;
  readonly runtime: 'node' | 'deno' | 'bun';
  /** Package that makes the peer what it is. */
  readonly package: string;
  args(port: number, upstreamUrl: string): readonly string[];
  door(upstreamUrl: string): Door;
  readonly environment: Environment;
}

const PLAN: Door = { kind: 'plan', path: '/functions/v1/ai-gateway-ws', headers: {} };
const PRODUCTION = { NODE_ENV: 'production' };

const PEER_LIST: readonly Peer[] = [
  {
    name: 'plan-deno',
    runtime: 'deno',
    package: '@anthropic-ai/sdk',
    args: (port, url) => ['run', '-A', '--no-lock', 'plan-deno.mjs', String(port), url],
    door: () => PLAN,
    environment: { DENO_NO_UPDATE_CHECK: '1' },
  },
  {
    name: 'plan-node',
    runtime: 'node',
    package: '@anthropic-ai/sdk',
    args: (port, url) => ['plan-node.mjs', String(port), url],
    door: () => PLAN,
    environment: PRODUCTION,
  },
  {
    name: 'portkey-bun',
    runtime: 'bun',
    package: '@portkey-ai/gateway',
    args: (port) => [
      'node_modules/@portkey-ai/gateway/build/start-server.js',
      `--port=${port}`,
      '--headless',
    ],
    door: (url) => ({
      ...MESSAGES_API,
      headers: {
        ...MESSAGES_API.headers,
        'x-portkey-provider': 'anthropic',
        'x-portkey-custom-host': `${url}/v1`,
      },
    }),
    environment: {
      ...PRODUCTION,
      TRUSTED_CUSTOM_HOSTS: 'localhost,127.0.0.1',
      // Bun's fetch has 256 requests under way at most, unless it is told otherwise: the 257th stream would wait.
      BUN_CONFIG_MAX_HTTP_REQUESTS: '8192',
    },
  },
  {
    name: 'ai-sdk',
    runtime: 'node',
    package: 'ai',
    args: (port, url) => ['ai-sdk.mjs', String(port), url],
    door: () => ({ kind: 'sse', path: '/api/chat', headers: {} }),
    environment: PRODUCTION,
  },
];

export function peerSubjects(): readonly Subject[] {
  return PEER_LIST.map((peer) => ({
    name: peer.name,
    unavailable: reasonMissing(peer),
    version: `${peer.name}: ${peer.package} ${peerVersion(peer.package)}, ${runtimeVersion(peer.runtime)}`,
    directory: null,
    start: (upstream) => startPeer(peer, upstream),
  }));
}

async function startPeer(peer: Peer, { securePort, certFile }: Backends) {
  const port = await freePort();
  const upstreamUrl = `https://localhost:${securePort}`;
  const server = await startServer({
    name: peer.name,
    command: peer.runtime === 'node' ? process.execPath : runnable(peerRuntime(peer.runtime)),
    args: peer.args(port, upstreamUrl),
    workingDirectory: PEERS,
    environment: { NODE_EXTRA_CA_CERTS: certFile, DENO_CERT: certFile, ...peer.environment },
    port,
  });
  return {
    port,
    door: peer.door(upstreamUrl),
    pid: server.pid,
    log: server.log,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function reasonMissing(peer: Peer): string | null {
  if (peerVersion(peer.package) === null) return 'bench/peers is not installed';
  if (peer.runtime === 'node' || existsSync(peerRuntime(peer.runtime))) return null;
  return `no ${peer.runtime} for this machine`;
}

/** Without its install script, a package's program may lack the right to run. */
function runnable(file: string): string {
  chmodSync(file, 0o755);
  return file;
}

function runtimeVersion(runtime: Peer['runtime']): string {
  return runtime === 'node' ? `Node ${process.version.slice(1)}` : `${runtime} ${peerVersion(runtime)}`;
}
