/** One machine of several processes, as an operator starts it, in front of a simulated model. */
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Environment } from '../../src/config/environment.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';
import { type RedisServer, startRedis } from '../many-machines/redis-server.ts';
import { ask } from '../support/http-doors.ts';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';
import type { RelayClient } from '../support/relay-client.ts';
import { type RelayChild, spawnRelay } from '../support/relay-process.ts';
import { TEST_ISSUER, TEST_SECRET } from '../support/token-mint.ts';

const POLL_MS = 10;

/** Tokens are those of `tokenOf`. */
export const IDENTITY: Environment = {
  SUPABASE_JWT_SECRET: TEST_SECRET,
  SUPABASE_JWT_ISSUER: TEST_ISSUER,
  INSTANCE_ID: 'm',
};

export interface Backends {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly simulator: Simulator;
}

/** Closed with `open`. */
export async function startBackends(
  open: AsyncDisposableStack,
  pace: NonNullable<SimulatorOptions['pace']>,
): Promise<Backends> {
  const [postgres, redis, simulator] = await Promise.all([
    startPostgres(),
    startRedis(),
    startSimulator({ pace }),
  ]);
  open.defer(() => postgres.close());
  open.use(redis);
  open.defer(() => simulator.close());
  return { postgres, redis, simulator };
}

/** Resolves when all of its workers listen. */
export async function spawnWorkers(
  count: number,
  dataDir: string,
  environment: Environment,
): Promise<RelayChild> {
  const relay = await spawnRelay(dataDir, { ...IDENTITY, WORKERS: String(count), ...environment });
  await relay.logged('listening', count);
  return relay;
}

/** Pids of the workers that run, the oldest first (Linux). */
export function workersOf({ pid }: Pick<RelayChild, 'pid'>): readonly number[] {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return pids === '' ? [] : pids.split(' ').map(Number);
}

/** Kills the one at that place of `pids`. @throws Error where there is none: 0 would be all processes of this group */
export function killWorker(pids: readonly number[], place: number): number {
  const pid = pids[place];
  if (pid === undefined) throw new Error(`there is no worker ${place}`);
  process.kill(pid, 'SIGKILL');
  return pid;
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Resolves when none of them runs; what one that is loading takes for that is this computer's to say. */
export async function allGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isRunning)) await wait(POLL_MS);
}

/** As `/readyz` has it; null while the connection meets a process that has just ended. */
export interface Readiness {
  readonly code: number;
  readonly status: string;
  readonly workers: Readonly<Record<string, string>>;
}

export async function readinessOf({ url }: RelayChild): Promise<Readiness | null> {
  const answer = await ask(`${url}/readyz`).catch(() => null);
  return answer && { code: answer.status, ...(JSON.parse(answer.body) as Omit<Readiness, 'code'>) };
}

export async function metricsOf({ url }: RelayChild): Promise<string> {
  return (await ask(`${url}/metrics`)).body;
}

/** The sum of all series of that name. */
export function sumIn(exposed: string, name: string): number {
  const series = exposed
    .split('\n')
    .filter((line) => line.startsWith(name) && /[ {]/.test(line[name.length] ?? ''));
  return series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Once all of its streams have ended: how. */
export async function endingsOf(client: RelayClient): Promise<readonly string[]> {
  const streams = [...client.streams.values()];
  const endings = await Promise.all(streams.map((stream) => client.ended(stream)));
  return endings.map((ending) => (ending.type === 'error' ? ending.code : ending.type));
}
