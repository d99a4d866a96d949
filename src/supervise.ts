/**
 * The parent of WORKERS: signals in, exit code out, and one log of all. It begins processes that are this one over again, and
 * serves nothing itself. Signals mean what they mean to a single process, for all of them.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hasLostTerminal } from './command-line/lost-terminal.ts';
import { instanceIdOf } from './config/instance-id.ts';
import { type LogOutput, openLogOutput } from './observability/log-output.ts';
import { createLogger, type Logger } from './observability/logger.ts';
import { snapshotOf } from './observability/metric-snapshot.ts';
import { createParentMetrics } from './observability/parent-metrics.ts';
import { systemClock } from './time/clock.ts';
import { MetricsOfWorkers } from './workers/metrics-of-workers.ts';
import { environmentOf, type WorkerPlace } from './workers/place.ts';
import { Supervisor } from './workers/supervisor.ts';

export interface SuperviseOptions {
  readonly count: number;
  /** Of each worker: the arguments of Node. */
  readonly execArgv: readonly string[];
  /** Beside the environment of this process, which counts more. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the kernel shares a port among processes; otherwise this one accepts connections and deals them out. */
  readonly kernelShares?: boolean;
}

/** What the last log lines may take to leave at the end, ms. */
const LOG_FLUSH_MS = 2000;
/** What a worker may take to say what it has counted, ms. */
const SNAPSHOT_MS = 1000;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Resolves once they are on their way; the process ends with them. */
export async function supervise(options: SuperviseOptions): Promise<void> {
  const output = openLogOutput();
  const own = createParentMetrics({ up: () => supervisor.up, dropped: () => output.dropped });
  const metrics = new MetricsOfWorkers();
  const supervisor = new Supervisor({
    count: options.count,
    clock: systemClock,
    launch: await launcher(options),
    write: (lines) => output.write(lines),
    async metrics(workers) {
      const asked = workers.map(async (worker) =>
        metrics.took(worker.number, await worker.ask('snapshot', SNAPSHOT_MS)),
      );
      await Promise.all(asked);
      return metrics.text(await snapshotOf(own.registry));
    },
    onEnded: (worker) => metrics.ended(worker),
    onRestart(worker, { pid, code, signal, upMs = 0, cause }, pauseMs) {
      own.restarted();
      loggerOf(output).error(
        { worker, pid, code, signal, upMs: Math.round(upMs), retryInMs: pauseMs, cause },
        'a worker ended by itself: another one is started',
      );
    },
    onFailed(worker, { signal, cause }) {
      // What ends by itself has said why.
      const why = signal ?? (cause instanceof Error ? cause.message : undefined);
      if (why !== undefined)
        process.stderr.write(`dash-relay: worker ${worker} ended before it could serve: ${why}\n`);
    },
    onSilent(worker, pid, silentMs) {
      loggerOf(output).error({ worker, pid, silentMs }, 'a worker does not answer: it is killed');
    },
    onStopped(exitCode) {
      void output.close(LOG_FLUSH_MS).then(() => process.exit(exitCode));
    },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2'] as const)
    process.on(signal, () => supervisor.signal(signal));
  process.on('SIGHUP', () => supervisor.signal(hasLostTerminal() ? 'SIGTERM' : 'SIGHUP'));
  supervisor.start();
}

/** Once a worker has served, its environment is known to be good. */
function loggerOf(output: LogOutput): Logger {
  const level = process.env['LOG_LEVEL']?.trim() || 'info';
  return createLogger({ level, version, instanceId: instanceIdOf(process.env), output });
}

/** Linux does, by SO_REUSEPORT; elsewhere it is not there, or gives all connections to one of them. */
const KERNEL_SHARES = process.platform === 'linux';

/** Begins this program once more, by the same words. */
async function launcher({
  execArgv,
  environment,
  kernelShares = KERNEL_SHARES,
}: SuperviseOptions): Promise<(place: WorkerPlace) => ChildProcess> {
  const [, program = '', ...args] = process.argv;
  const settings = {
    execArgv: [...execArgv],
    serialization: 'advanced' as const,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'] as const,
  };
  const environmentIn = (place: WorkerPlace) => ({ ...environment, ...process.env, ...environmentOf(place) });
  if (kernelShares)
    return (place) =>
      fork(program, args, { ...settings, stdio: [...settings.stdio], env: environmentIn(place) });
  const { default: cluster } = await import('node:cluster');
  cluster.setupPrimary({ ...settings, stdio: [...settings.stdio], exec: program, args });
  // A free port is picked by this process, once for all of them.
  return (place) => cluster.fork(environmentIn({ ...place, ports: undefined })).process;
}
