/**
 * Whether machines could share runs over a Redis, found out as a relay does at its start: one run is played through all
 * that runs need, a message goes to the own mailbox and arrives, and nothing of it is left.
 */
import { randomBytes } from 'node:crypto';
import { prefixOf } from './open-shared-runs.ts';
import { LEASE_MS } from './shared-runs.ts';
import { RedisSharedStore } from './store/redis.ts';

export interface RedisTrial {
  readonly prefix: string;
  /** Of relays of another version that are there now. */
  readonly otherFormats: readonly number[];
  /** Fields of INFO by their names, such as `redis_version`; undefined where the user may not ask for them. */
  readonly info: ReadonlyMap<string, string> | undefined;
}

/** @throws RedisFailure saying in a word what does not work */
export async function tryRedis(
  url: string,
  prefix: string | undefined,
  issuer: string,
  signal: AbortSignal,
): Promise<RedisTrial> {
  const named = prefixOf({ prefix, issuer });
  const store = new RedisSharedStore({
    url,
    prefix: named,
    machine: `doctor.${randomBytes(6).toString('base64url')}`,
    onMalformedMessage: () => {},
    leaseMs: LEASE_MS,
    liveMs: LEASE_MS,
    endedMs: LEASE_MS,
  });
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= store.close());
  signal.addEventListener('abort', close, { once: true });
  try {
    await store.beat();
    return { prefix: named, otherFormats: (await store.neighbours()).formats, info: await infoOf(store) };
  } finally {
    await close();
  }
}

async function infoOf({ connection }: RedisSharedStore): Promise<RedisTrial['info']> {
  const sections = await Promise.allSettled([connection.info('server'), connection.info('memory')]);
  const known = sections.flatMap((each) => (each.status === 'fulfilled' ? each.value.split('\r\n') : []));
  if (known.length === 0) return undefined;
  return new Map(
    known.flatMap((line) => {
      const [, name, value] = /^(\w+):(.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
}
