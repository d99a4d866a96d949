/**
 * What a soak is played on, on loopback: machine a, one process from the beginning to the end, which is what is looked at;
 * machine b, which is deployed again and again; Postgres, Redis, an issuer and a model.
 */
import { type RedisServer, startRedis } from '../../test/many-machines/redis-server.ts';
import { type PostgresServer, startPostgres } from '../../test/support/postgres.ts';
import { createMachine, type Machine } from '../game-day/machine.ts';
import { startModel } from '../game-day/stage.ts';
import { type KeyServer, startKeyServer } from '../issuer/key-server.ts';
import { behaviour } from './answers.ts';

export interface SoakStage extends AsyncDisposable {
  readonly a: Machine;
  readonly b: Machine;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly keys: KeyServer;
  /** Of every process of b that was told to end. */
  readonly exits: (number | null)[];
}

/** What is kept for readers that come back is gone a while before it is looked whether anything is left. */
const RESUME_WINDOW_MS = 5_000;
/** Longer than any answer: a deploy interrupts none. */
const DRAIN_MS = 30_000;

export async function setSoakStage(): Promise<SoakStage> {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(await startModel(behaviour));
  const keys = stack.use(await startKeyServer());
  const redis = stack.use(await startRedis());
  const postgres = stack.adopt(await startPostgres(), (server) => server.close());
  const environment = {
    ANTHROPIC_API_KEY: 'soak',
    ANTHROPIC_BASE_URL: model.url,
    SUPABASE_URL: keys.url,
    DATABASE_URL: postgres.url('relay'),
    REDIS_URL: redis.url,
    ALLOWED_MODELS: 'claude-sonnet-5-5',
    RESUME_WINDOW_MS: String(RESUME_WINDOW_MS),
    ABANDON_AFTER_MS: String(RESUME_WINDOW_MS),
    DRAIN_MS: String(DRAIN_MS),
    // The machine plays all the parts: that one of them waits for another is not what is looked at.
    MAX_EVENT_LOOP_LAG_MS: '0',
  };
  const a = stack.use(await createMachine('a', environment, 'no container'));
  const b = stack.use(await createMachine('b', environment, 'no container'));
  await Promise.all([a.start(), b.start()]);
  const owned = stack.move();
  return {
    a,
    b,
    postgres,
    redis,
    keys,
    exits: [],
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}
