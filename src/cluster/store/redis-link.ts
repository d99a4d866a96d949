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
  readonly #faultOfCommands: () => unknown;
  readonly #faultOfMessages: () => unknown;
  /** On this connection of the subscriber. */
  #subscribed: Promise<unknown> | undefined;

  /** Connects by itself, now and whenever it was lost; `onLost` is told which of the two it was. */
  constructor(url: string, channels: Channels, onLost: (connection: 'commands' | 'messages') => void) {
    this.commands = new Redis(url, { ...CONNECTION, scripts: SCRIPTS }) as ScriptedRedis;
    this.#subscriber = new Redis(url, CONNECTION);
    this.#channels = Object.keys(channels);
    this.#faultOfCommands = faultOf(this.commands);
    this.#faultOfMessages = faultOf(this.#subscriber);
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
    const fault = this.#faultOfCommands();
    if (fault !== undefined) throw new RedisFailure('connect', fault);
  }

  /** The answer of Redis to a command. @throws RedisFailure saying in a word why there is none */
  async answer<Reply>(operation: string, reply: Promise<Reply>): Promise<Reply> {
    try {
      return await reply;
    } catch (cause) {
      throw new RedisFailure(operation, cause, this.#faultOfCommands());
    }
  }

  /** @throws RedisFailure where no message could arrive */
  async checkMailbox(): Promise<void> {
    try {
      await this.#subscribe();
      await this.#subscriber.ping();
    } catch (cause) {
      throw new RedisFailure('subscribe', cause, this.#faultOfMessages());
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
}

/**
 * Hears of the faults of a connection from now on.
 * @returns says why there is none; undefined where there is one, or nothing has failed yet
 */
export function faultOf(redis: Redis): () => unknown {
  let fault: unknown;
  // The first error of an attempt to connect says why it failed: those after it only follow from it.
  let isFirst = true;
  redis.on('connecting', () => {
    isFirst = true;
  });
  redis.on('error', (error) => {
    if (isFirst) fault = error;
    isFirst = false;
  });
  // What went wrong before this connection is over; what goes wrong with it comes later.
  redis.on('connect', () => {
    fault = undefined;
  });
  return () => fault;
}

/** Resolves once the first attempt to connect has succeeded or failed. */
export function attempted(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    redis.once('ready', resolve);
    redis.once('close', resolve);
  });
}
