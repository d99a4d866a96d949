/** All that a game day is played on, on loopback: two relays with Postgres and Redis, a model, an issuer, users, and Prometheus. */

import type { AnswerBehaviour } from '../../src/simulator/behaviour.ts';
import { type Scripted, type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type RedisServer, startRedis } from '../../test/many-machines/redis-server.ts';
import { freePort } from '../../test/support/free-port.ts';
import { type PostgresServer, startPostgres } from '../../test/support/postgres.ts';
import { type KeyServer, startKeyServer } from '../issuer/key-server.ts';
import { createMachine, type Machine } from './machine.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { startVisitors, type Visitors } from './visitors.ts';

export interface Stage extends AsyncDisposable {
  readonly a: Machine;
  readonly b: Machine;
  readonly model: Model;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly keys: KeyServer;
  readonly prometheus: Prometheus;
  readonly visitors: Visitors;
}

const VISITS_PER_SECOND = 8;
/** A second or two long, first words after a third of one. */
export const HEALTHY: AnswerBehaviour = {
  deltas: Array.from({ length: 30 }, (_, index) => `words ${index} of an answer `),
  thinking: false,
  pace: { firstTokenMs: [200, 500], deltasPerSecond: [20, 40] },
};

/** What a question has to say to be answered for a minute and a half. */
export const AT_LENGTH = 'Tell me all of it.';
const LONG: AnswerBehaviour = {
  ...HEALTHY,
  deltas: Array.from({ length: 90 }, (_, index) => `part ${index} `),
  pace: { firstTokenMs: [200, 500], deltasPerSecond: 1 },
};
const HEALTHY_OR_LONG: Scripted = ({ question }) => (question === AT_LENGTH ? LONG : HEALTHY);

export async function setStage(scale: number): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(await startModel());
  const keys = stack.use(await startKeyServer());
  const redis = stack.use(await startRedis());
  const postgres = stack.adopt(await startPostgres(), (server) => server.close());
  const environment = {
    ANTHROPIC_API_KEY: 'game-day',
    ANTHROPIC_BASE_URL: model.url,
    SUPABASE_URL: keys.url,
    DATABASE_URL: postgres.url('relay'),
    REDIS_URL: redis.url,
    DRAIN_MS: '1000',
    // A model that is about to retire is no fault of the day.
    ALLOWED_MODELS: 'claude-sonnet-5-5',
  };
  const a = stack.use(await createMachine('a', environment));
  const b = stack.use(await createMachine('b', environment));
  await Promise.all([a.start(), b.start()]);
  const prometheus = stack.use(await startPrometheus([a.metrics, b.metrics], scale));
  const visitors = stack.use(startVisitors([a.url, b.url], () => keys.signer, VISITS_PER_SECOND));
  const owned = stack.move();
  return {
    a,
    b,
    model,
    postgres,
    redis,
    keys,
    prometheus,
    visitors,
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

export interface Model extends AsyncDisposable {
  readonly url: string;
  /** What every question gets from now on; without, a healthy answer. */
  behaves(behaviour?: Scripted): void;
  /** Nobody listens any more. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** @param healthy what it says when nobody says otherwise */
export async function startModel(healthy: Scripted = HEALTHY_OR_LONG): Promise<Model> {
  const port = await freePort();
  const start = async () => {
    const started = await startSimulator({ port });
    started.always(healthy);
    return started;
  };
  let simulator: Simulator | undefined = await start();
  const stop = async () => {
    await simulator?.close();
    simulator = undefined;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    behaves: (behaviour = healthy) => simulator?.always(behaviour),
    stop,
    async start() {
      simulator ??= await start();
    },
    [Symbol.asyncDispose]: stop,
  };
}
