/**
 * Uploads in Redis, for every machine of the fleet: a key for each file, which ends by itself, and beside it what a user has, and
 * what all have. Over a connection of its own: a large file must not stand in the way of streams.
 */
import { Redis } from 'ioredis';
import type { Upload } from '../../protocol/frames.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Clock } from '../../time/clock.ts';
import { factsIn, packed, unpacked } from '../../uploads/packed-file.ts';
import type { UploadedFile, UploadLimits, UploadStore } from '../../uploads/port.ts';
import { noRoom, tooManyUploads } from '../../uploads/refusals.ts';
import { RedisFailure } from './redis-failure.ts';
import type { RedisKeys } from './redis-keys.ts';
import { attempted, CONNECTION, faultOf } from './redis-link.ts';

/** Takes out what has ended: its place in the lists stays until somebody comes by. */
const FORGET_ENDED = `
local function forget_ended(ends, sizes, now)
  local ended = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 1000)
  for _, name in ipairs(ended) do
    redis.call('ZREM', ends, name)
    redis.call('HDEL', sizes, name)
  end
end`;
const SUM = `
local function sum(sizes)
  local bytes = 0
  for _, size in ipairs(redis.call('HVALS', sizes)) do bytes = bytes + (tonumber(size) or 0) end
  return bytes
end`;

/**
 * KEYS file, ends and sizes of its user, ends and sizes of all. ARGV id, name among all, now, ends at (Unix ms), bytes, most files
 * and bytes of a user, most bytes of all, the file. Gives the file that is there already, a word of why there is none, or nil.
 */
const put = `${FORGET_ENDED}${SUM}
local there = redis.call('GET', KEYS[1])
if there then return there end
forget_ended(KEYS[2], KEYS[3], ARGV[3])
forget_ended(KEYS[4], KEYS[5], ARGV[3])
local bytes = tonumber(ARGV[5])
if redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[6]) then return 'user' end
if sum(KEYS[3]) + bytes > tonumber(ARGV[7]) then return 'user' end
if sum(KEYS[5]) + bytes > tonumber(ARGV[8]) then return 'all' end
redis.call('SET', KEYS[1], ARGV[9], 'PXAT', ARGV[4])
for at, name in ipairs({ ARGV[1], ARGV[2] }) do
  redis.call('ZADD', KEYS[2 * at], ARGV[4], name)
  redis.call('HSET', KEYS[2 * at + 1], name, bytes)
end
redis.call('PEXPIREAT', KEYS[2], ARGV[4])
redis.call('PEXPIREAT', KEYS[3], ARGV[4])
return nil`;

/** KEYS as put has them. ARGV id, name among all. */
const remove = `
redis.call('DEL', KEYS[1])
for at, name in ipairs({ ARGV[1], ARGV[2] }) do
  redis.call('ZREM', KEYS[2 * at], name)
  redis.call('HDEL', KEYS[2 * at + 1], name)
end`;

const SCRIPTS = {
  dashUploadPut: { lua: put, numberOfKeys: 5 },
  dashUploadRemove: { lua: remove, numberOfKeys: 5 },
} as const;

type UploadRedis = Redis & {
  dashUploadPutBuffer(...args: (string | number | Buffer)[]): Promise<Buffer | null>;
  dashUploadRemove(...args: string[]): Promise<unknown>;
};

export class RedisUploads implements UploadStore {
  readonly #redis: UploadRedis;
  readonly #keys: RedisKeys;
  readonly #limits: UploadLimits;
  readonly #clock: Clock;
  readonly #fault: () => unknown;
  readonly #attempted: Promise<void>;

  constructor(url: string, keys: RedisKeys, limits: UploadLimits, clock: Clock) {
    this.#redis = new Redis(url, { ...CONNECTION, scripts: SCRIPTS }) as UploadRedis;
    this.#fault = faultOf(this.#redis); // a command that fails for it says so, and the streams' own connection tells the log
    this.#attempted = attempted(this.#redis);
    this.#keys = keys;
    this.#limits = limits;
    this.#clock = clock;
  }

  async put(userId: string, file: UploadedFile): Promise<Upload> {
    const { id, bytes, expiresAt } = file.facts;
    const { files: mostFiles, bytes: mostBytes, totalBytes } = this.#limits;
    const limits = [mostFiles, mostBytes, totalBytes];
    const fields = [id, `${userId}:${id}`, this.#clock.now(), expiresAt, bytes, ...limits, packed(file)];
    const keys = this.#keys.upload(userId, id);
    const answer = await this.#ask((redis) => redis.dashUploadPutBuffer(...keys, ...fields));
    if (answer === null) return file.facts;
    const facts = factsIn(answer);
    if (facts !== undefined) return facts;
    throw answer.toString() === 'user' ? tooManyUploads(this.#limits) : noRoom();
  }

  async get(userId: string, id: string): Promise<UploadedFile | undefined> {
    const [key = ''] = this.#keys.upload(userId, id);
    const found = await this.#ask((redis) => redis.getBuffer(key));
    return found === null ? undefined : unpacked(found);
  }

  async remove(userId: string, id: string): Promise<void> {
    const keys = this.#keys.upload(userId, id);
    await this.#ask((redis) => redis.dashUploadRemove(...keys, id, `${userId}:${id}`));
  }

  async removeAll(userId: string): Promise<number> {
    const [, , sizes = ''] = this.#keys.upload(userId, '');
    const ids = await this.#ask((redis) => redis.hkeys(sizes));
    await Promise.all(ids.map((id) => this.remove(userId, id)));
    return ids.length;
  }

  /** They lie elsewhere. */
  get held() {
    return { files: 0, bytes: 0 };
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  async #ask<Reply>(ask: (redis: UploadRedis) => Promise<Reply>): Promise<Reply> {
    await this.#attempted; // before that nothing is known
    try {
      return await ask(this.#redis);
    } catch (error) {
      const cause = new RedisFailure('uploads', error, this.#fault());
      throw new RelayError('unavailable', 'files cannot be kept or found at the moment; try again', {
        cause,
      });
    }
  }
}
