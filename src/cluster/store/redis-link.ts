/**
 * The two connections to Redis: one for commands, one for messages. A command fails at once while there is no
 * connection, and after two seconds without an answer: nothing queues, nothing is sent again. A connection that is
 * silent for longer is replaced, since a network that swallows everything never says so.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { RedisFailure } from './redis-failure.ts';
import { SCRIPTS } from './redis-scripts.ts';

const COMMAND_MS = 2000;
const SILENCE_MS = 3000;
const CONNECT_MS = 2000;
const RECONNECT_MS = 250;

/** How every connection to Redis is held. */
export const CONNECTION = {
  protocol: 2,
  connectTimeout: CONNECT_MS,
  commandTimeout: COMMAND_MS,
  socketTimeout: SILENCE_MS,
  retryStrategy: () => RECONNECT_MS,
  // After a failover the old primary answers as a replica: look again for who is the primary.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  // A Redis that is not ready says so to each command, in a word that the log can have.
  enableReadyCheck: false,
  autoResubscribe: false,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectionName: 'dash-relay',
} satisfies RedisOptions;

type Argument = string | number | Buffer;
type ScriptedRedis = Redis & {
  readonly [Name in keyof typeof SCRIPTS]: (...args: Argument[]) => Promise<unknown>;
};

/** What is done with the messages of each channel. */
export type Channels = Readonly<Record<string, (message: string) => void>>;

export class RedisLink {
  readonly commands: ScriptedRedis;
  /** Resolves once the first attempts to connect have succeeded or failed: before that nothing is known. */
  readonly attempted: Promise<unknown>;
  readonly #subscriber: Redis;
  readonly #channels: readonly string[];
  readonly #faults = new Map<Redis, unknown>();
  /** On this connection of the subscriber. */
  #subscribed: Promise<unknown> | undefined;

  /** Connects by itself, now and whenever it was lost; `onLost` is told which of the two it was. */
  constructor(url: string, channels: Channels, onLost: (connection: 'commands' | 'messages') => void) {
    this.commands = new Redis(url, { ...CONNECTION, scripts: SCRIPTS }) as ScriptedRedis;
    this.#subscriber = new Redis(url, CONNECTION);
    this.#channels = Object.keys(channels);
    for (const redis of [this.commands, this.#subscriber]) this.#rememberFaults(redis);
    this.commands.on('close', () => onLost('commands'));
    this.#subscriber.on('message', (channel, message) => channels[channel]?.(message));
    this.#subscriber.on('close', () => {
      this.#subscribed = undefined;
      onLost('messages');
    });
    this.#subscriber.on('ready', () => void this.#subscribe().catch(() => {}));
    this.attempted = Promise.all([attempted(this.commands), attempted(this.#subscriber)]);
  }

  /** @throws RedisFailure where the client is connected to something else than REDIS_URL says: it goes on in silence */
  requireDatabase(): void {
    const fault = this.#faults.get(this.commands);
    if (fault !== undefined) throw new RedisFailure('connect', fault);
  }

  /** The answer of Redis to a command. @throws RedisFailure saying in a word why there is none */
  async answer<Reply>(operation: string, reply: Promise<Reply>): Promise<Reply> {
    try {
      return await reply;
    } catch (cause) {
      throw new RedisFailure(operation, cause, this.#faults.get(this.commands));
    }
  }

  /** @throws RedisFailure where no message could arrive */
  async checkMailbox(): Promise<void> {
    try {
      await this.#subscribe();
      await this.#subscriber.ping();
    } catch (cause) {
      throw new RedisFailure('subscribe', cause, this.#faults.get(this.#subscriber));
    }
  }

  close(): void {
    this.commands.disconnect();
    this.#subscriber.disconnect();
  }

  /** Again where it failed: a user may be given the channel later. */
  #subscribe(): Promise<unknown> {
    this.#subscribed ??= this.#subscriber.subscribe(...this.#channels).catch((cause: unknown) => {
      this.#subscribed = undefined;
      throw cause;
    });
    return this.#subscribed;
  }

  /** The first error of an attempt to connect says why it failed: those after it only follow from it. */
  #rememberFaults(redis: Redis): void {
    let isFirst = true;
    redis.on('connecting', () => {
      isFirst = true;
    });
    redis.on('error', (error) => {
      if (isFirst) this.#faults.set(redis, error);
      isFirst = false;
    });
    // What went wrong before this connection is over; what goes wrong with it comes later.
    redis.on('connect', () => void this.#faults.delete(redis));
  }
}

function attempted(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    redis.once('ready', resolve);
    redis.once('close', resolve);
  });
}
