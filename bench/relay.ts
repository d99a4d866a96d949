/** The relay under test: `node src/main.ts` of a checkout, as it stands, in a process of its own. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram, stopProgram } from './child.ts';
import { until } from './deadline.ts';
import { freePort, type RunningSubject, type Subject, type UpstreamAddress } from './subject.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const READY_MS = 15_000;
/** Development drains for 2 s. */
const STOP_MS = 5000;
const LOG_TAIL = 2000;
/** One machine plays thousands of clients: what guards against that is raised, nothing else. */
const RAISED_LIMITS = {
  MAX_CONNECTIONS: '50000',
  MAX_CONNECTIONS_PER_USER: '1000',
  MAX_CONNECTIONS_PER_IP: '50000',
  UPGRADES_PER_SECOND_PER_IP: '100000',
  MAX_STREAMS_PER_CONNECTION: '1000',
  MAX_STREAMS_PER_USER: '10000',
  STARTS_PER_MINUTE: '1000000',
  FRAMES_PER_MINUTE: '1000000',
};

/** `directory` is the root of a checkout with its dependencies installed. */
export function relaySubject(name: string, directory: string, nodeOptions: string): Subject {
  const version = describeCheckout(directory);
  return {
    name,
    kind: 'websocket',
    unavailable: null,
    version: nodeOptions === '' ? version : `${version} (${nodeOptions})`,
    start: (upstream) => startRelay(directory, nodeOptions, upstream),
  };
}

async function startRelay(
  checkout: string,
  nodeOptions: string,
  upstream: UpstreamAddress,
): Promise<RunningSubject> {
  const { PATH } = process.env;
  const port = await freePort();
  const directory = temporaryDirectory('relay');
  const logFile = join(directory.path, 'relay.log');
  const output = openSync(logFile, 'a');
  const child = startProgram(process.execPath, ['src/main.ts'], {
    cwd: checkout,
    stdio: ['ignore', output, output],
    env: {
      PATH,
      PORT: String(port),
      HOST: '127.0.0.1',
      DATA_DIR: directory.path,
      LOG_LEVEL: 'info',
      ANTHROPIC_API_KEY: 'bench',
      ANTHROPIC_BASE_URL: `https://127.0.0.1:${upstream.securePort}`,
      NODE_EXTRA_CA_CERTS: upstream.certFile,
      ...(nodeOptions === '' ? {} : { NODE_OPTIONS: nodeOptions }),
      ...RAISED_LIMITS,
    },
  });
  closeSync(output);
  const log = () => readFileSync(logFile, 'utf8').slice(-LOG_TAIL);
  const stop = async () => {
    await stopProgram(child, STOP_MS);
    directory[Symbol.dispose]();
  };
  try {
    await until(READY_MS, 'the relay to be ready', async () => {
      if (child.exitCode !== null) throw new Error('the relay ended while starting');
      return isReady(port);
    });
  } catch (error) {
    const tail = log();
    await stop();
    throw new Error(`unable to start the relay of ${checkout}; its log ends:\n${tail}`, { cause: error });
  }
  return { port, pid: child.pid ?? null, log, [Symbol.asyncDispose]: stop };
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
    const dirty = git('status', '--porcelain', 'src') === '' ? '' : ', with changes';
    return `relay ${git('rev-parse', '--short', 'HEAD')}${dirty}`;
  } catch {
    return 'relay, no git';
  }
}
