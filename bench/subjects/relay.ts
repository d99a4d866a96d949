/** The relay under test: `node src/main.ts` of a checkout, as it stands, or its bundle, in a process of its own. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import type { Backends, Door, Environment, RunningSubject, Subject } from './port.ts';
import { startServer } from './server-process.ts';

export interface RelayCheckout {
  readonly name: string;
  /** Root of a checkout with its dependencies installed. */
  readonly directory: string;
  /** From there. */
  readonly entry: string;
  /** NODE_OPTIONS; empty for none. */
  readonly nodeOptions: string;
  /** Beside what the bench sets. */
  readonly environment?: Environment;
  /** Absent: its own WebSockets. */
  readonly door?: Door;
}

const DOOR: Door = { kind: 'relay', path: '/v1/ws', headers: {} };
/** One machine plays thousands of clients: what guards against that is raised. */
const FOR_THE_BENCH = {
  MAX_CONNECTIONS: '50000',
  MAX_CONNECTIONS_PER_USER: '1000',
  MAX_CONNECTIONS_PER_IP: '50000',
  UPGRADES_PER_SECOND_PER_IP: '100000',
  UNPROVEN_PER_SECOND_PER_IP: '100000',
  MAX_STREAMS_PER_CONNECTION: '1000',
  MAX_STREAMS_PER_USER: '10000',
  STARTS_PER_MINUTE: '1000000',
  FRAMES_PER_MINUTE: '1000000',
  // What is measured is what it does, however late.
  MAX_EVENT_LOOP_LAG_MS: '0',
  // Nobody waits for its streams when it is stopped.
  DRAIN_MS: '1',
};

export function relaySubject(checkout: RelayCheckout): Subject {
  const { name, directory, entry, nodeOptions } = checkout;
  const present = existsSync(join(directory, entry));
  return {
    name,
    unavailable: present ? null : `${entry} is not there: npm run build`,
    version: [`${name} ${describeCheckout(directory)}`, nodeOptions].filter(Boolean).join(' '),
    directory,
    start: (backends, environment = {}) =>
      startRelay(checkout, backends, { ...checkout.environment, ...environment }),
  };
}

async function startRelay(
  { name, directory, entry, nodeOptions, door = DOOR }: RelayCheckout,
  { securePort, certFile, supabaseUrl }: Backends,
  environment: Environment,
): Promise<RunningSubject> {
  const port = await freePort();
  const data = temporaryDirectory('relay');
  const server = await startServer({
    name,
    command: process.execPath,
    args: [entry],
    workingDirectory: directory,
    environment: {
      PORT: String(port),
      HOST: '127.0.0.1',
      DATA_DIR: data.path,
      LOG_LEVEL: 'info',
      ANTHROPIC_API_KEY: 'bench',
      ANTHROPIC_BASE_URL: `https://127.0.0.1:${securePort}`,
      NODE_EXTRA_CA_CERTS: certFile,
      SUPABASE_URL: supabaseUrl,
      ...(nodeOptions === '' ? {} : { NODE_OPTIONS: nodeOptions }),
      ...FOR_THE_BENCH,
      ...environment,
    },
    ready: () => isReady(port),
    port,
  });
  return {
    port,
    door,
    pid: server.pid,
    log: server.log,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      data[Symbol.dispose]();
    },
  };
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

function describeCheckout(directory: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', directory, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const dirty = git('status', '--porcelain', 'src') === '' ? '' : ' with changes';
    return `${git('rev-parse', '--short', 'HEAD')}${dirty}`;
  } catch {
    return '(no git)';
  }
}
