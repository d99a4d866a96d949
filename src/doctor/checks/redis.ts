/** Redis as machines share it: commands, channels, its version, and whether it may lose what they wrote. */
import { RedisFailure } from '../../cluster/store/redis-failure.ts';
import { type RedisTrial, tryRedis } from '../../cluster/try-redis.ts';
import type { Config } from '../../config/environment.ts';
import { fix, type Line, note, ok } from '../line.ts';

/** Redis and Valkey count on from each other. */
const MIN_VERSION = 7;

export async function checkRedis(config: Config, signal: AbortSignal): Promise<readonly Line[]> {
  const { REDIS_URL: url, REDIS_PREFIX: prefix, auth } = config;
  if (url === undefined) return [note('REDIS_URL: is not set, so this is the only machine')];
  // Relays of development have the id of their own key for an issuer; what they may do in Redis is the same.
  const issuer = auth.kind === 'supabase' ? auth.issuer : '';
  try {
    const trial = await tryRedis(url, prefix, issuer, signal);
    return [
      ok(
        `REDIS_URL: commands work, and a message to the own mailbox arrives; all begins with ${trial.prefix}`,
      ),
      ...versionLines(trial),
      ...evictionLines(trial),
      ...formatLines(trial),
    ];
  } catch (cause) {
    if (!(cause instanceof RedisFailure)) throw cause;
    const { code, operation, hint = 'see docs/deploy.md for what the relay needs of it' } = cause;
    return [fix(`REDIS_URL: cannot be used (${code}, at ${operation}): ${hint}`)];
  }
}

function versionLines({ info }: RedisTrial): Line[] {
  const valkey = info?.get('valkey_version');
  const version = valkey ?? info?.get('redis_version');
  if (version === undefined)
    return [note('Redis: its user may not ask for INFO, so version and eviction are not known')];
  const named = `${valkey === undefined ? 'Redis' : 'Valkey'} ${version}`;
  return Number.parseInt(version, 10) >= MIN_VERSION
    ? [ok(named)]
    : [fix(`${named}: version ${MIN_VERSION} or later is needed`)];
}

function evictionLines({ info }: RedisTrial): Line[] {
  const policy = info?.get('maxmemory_policy');
  if (policy === undefined) return [];
  if (policy === 'noeviction') return [ok('Redis: maxmemory-policy is noeviction')];
  return [
    fix(
      `Redis: maxmemory-policy is ${policy}: an evicted lease looks like a dead machine, and its streams end; CONFIG SET maxmemory-policy noeviction, and in its configuration`,
    ),
  ];
}

function formatLines({ otherFormats }: RedisTrial): Line[] {
  if (otherFormats.length === 0) return [];
  return [
    note(
      'Redis: relays of another version use it: no stream moves between them and this one until they are gone',
    ),
  ];
}
