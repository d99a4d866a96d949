/** One relay of the fleet, on ports of its own that outlive it: it is ended and begun anew, and its log is read. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../test/support/free-port.ts';
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
  /** Does nothing while it runs. Resolves once it listens. @param fault JavaScript that runs before the relay */
  start(fault?: string): Promise<void>;
  /** Has its process hold so much memory for nothing, from its next look half a second later on. */
  hold(bytes: number): void;
  /** SIGKILL: nobody waits for what it has. */
  kill(): Promise<void>;
  /** Resolves when its process ends. */
  ended(): Promise<void>;
}

const READY_MS = 90_000;
/** Of what a process says last, characters. */
const ERRORS_KEPT = 2_000;
/** Small enough that no stream waits for it. */
const PIECE_BYTES = 16 * 1024 * 1024;
/** As a small container has it. */
export const MEMORY_LIMIT_BYTES = 512 * 1024 * 1024;

export async function createMachine(name: string, environment: Environment): Promise<Machine> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const data = temporaryDirectory(`machine-${name}`);
  const directory = temporaryDirectory(`container-${name}`);
  const ballast = join(directory.path, 'ballast');
  writeFileSync(ballast, '0');
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
    hold: (bytes) => writeFileSync(ballast, String(bytes)),
    async start(fault = '') {
      if (isRunning()) return;
      child = spawn(process.execPath, ['src/main.ts'], {
        env: {
          PATH: process.env['PATH'],
          NODE_ENV: 'production',
          HOST: '127.0.0.1',
          PORT: String(port),
          METRICS_PORT: String(metricsPort),
          INSTANCE_ID: name,
          DATA_DIR: data.path,
          NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(containerOf(ballast) + fault)}`,
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
    ended,
    async [Symbol.asyncDispose]() {
      await kill();
      data[Symbol.dispose]();
      directory[Symbol.dispose]();
    },
  };
}

/**
 * What stands in for its container: a limit of memory, and a leak: a piece at each look, up to as many bytes as the file says. It
 * is given back at once, without waiting for a garbage collection.
 */
function containerOf(ballast: string): string {
  return `
    import { readFileSync } from 'node:fs';
    process.constrainedMemory = () => ${MEMORY_LIMIT_BYTES};
    const held = [];
    setInterval(() => {
      const missing = Number(readFileSync(${JSON.stringify(ballast)}, 'utf8')) - ${PIECE_BYTES} * held.length;
      if (missing > 0) held.push(new Uint8Array(${PIECE_BYTES}).fill(1));
      else if (missing <= -${PIECE_BYTES}) for (const piece of held.splice(0)) piece.buffer.transfer(0);
    }, 500).unref();
  `;
}

function collect({ stdout }: ChildProcess, log: LogLine[]): void {
  if (stdout === null) throw new Error('no output');
  createInterface({ input: stdout }).on('line', (line) => {
    if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
  });
}
