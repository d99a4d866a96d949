/** One relay of the fleet, on ports of its own that outlive it: it is ended and begun anew, and its log is read. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from '../../test/support/free-port.ts';
import { createBallast, importOption } from '../ballast.ts';
import { until } from '../deadline.ts';
import type { Environment } from '../subjects/port.ts';
import { temporaryDirectory } from '../temporary-directory.ts';

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Machine extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** `host:port`. */
  readonly metrics: string;
  /** Of all its processes, oldest first. */
  readonly log: readonly LogLine[];
  readonly running: boolean;
  /** Of its latest process; 0 before the first. */
  readonly pid: number;
  readonly dataDirectory: string;
  /** Does nothing while it runs. Resolves once it listens. @param fault JavaScript that runs before the relay */
  start(fault?: string): Promise<void>;
  /** Has its process hold so much memory for nothing (bench/ballast.ts). */
  hold(bytes: number): void;
  /** SIGKILL: nobody waits for what it has. */
  kill(): Promise<void>;
  /** SIGTERM. Resolves with the exit code once it has drained; null where a signal ended it. */
  terminate(): Promise<number | null>;
  /** Resolves when its process ends. */
  ended(): Promise<void>;
}

const READY_MS = 300_000;
/** Of what a process says last, characters. */
const ERRORS_KEPT = 2_000;
/** As a small container has it. */
export const MEMORY_LIMIT_BYTES = 512 * 1024 * 1024;

/** @param container a limit of memory for each of its processes, and `hold`; without, it has the computer's */
export async function createMachine(
  name: string,
  environment: Environment,
  container: 'container' | 'no container' = 'container',
): Promise<Machine> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const data = temporaryDirectory(`machine-${name}`);
  const ballast = createBallast();
  const log: LogLine[] = [];
  let child: ChildProcess | undefined;
  const url = `http://127.0.0.1:${port}`;
  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  const ended = async () => {
    if (child !== undefined && isRunning()) await once(child, 'exit');
  };
  const kill = async () => {
    child?.kill('SIGKILL');
    await ended();
  };
  // Not to outlive the day.
  process.once('exit', () => void child?.kill('SIGKILL'));
  return {
    name,
    url,
    metrics: `127.0.0.1:${metricsPort}`,
    log,
    get running() {
      return isRunning();
    },
    get pid() {
      return child?.pid ?? 0;
    },
    dataDirectory: data.path,
    hold: ballast.hold,
    async start(fault = '') {
      if (isRunning()) return;
      const early = (container === 'container' ? ballast.script : '') + fault;
      child = spawn(process.execPath, ['src/main.ts'], {
        env: {
          PATH: process.env['PATH'],
          NODE_ENV: 'production',
          HOST: '127.0.0.1',
          PORT: String(port),
          METRICS_PORT: String(metricsPort),
          INSTANCE_ID: name,
          DATA_DIR: data.path,
          ...(container === 'container' ? { MEMORY_LIMIT_BYTES: String(MEMORY_LIMIT_BYTES) } : {}),
          ...(early === '' ? {} : { NODE_OPTIONS: importOption(early) }),
          ...environment,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let errors = '';
      child.stderr?.on('data', (said: Buffer) => {
        errors = `${errors}${said}`.slice(-ERRORS_KEPT);
      });
      collect(child, log);
      await until(READY_MS, `machine ${name} to listen`, async () => {
        if (!isRunning()) throw new Error(`machine ${name} ended: ${errors}`);
        return (await fetch(`${url}/healthz`).catch(() => null))?.ok === true;
      });
    },
    kill,
    async terminate() {
      child?.kill('SIGTERM');
      await ended();
      return child?.exitCode ?? null;
    },
    ended,
    async [Symbol.asyncDispose]() {
      await kill();
      data[Symbol.dispose]();
      ballast[Symbol.dispose]();
    },
  };
}

function collect({ stdout }: ChildProcess, log: LogLine[]): void {
  if (stdout === null) throw new Error('no output');
  createInterface({ input: stdout }).on('line', (line) => {
    if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
  });
}
