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

/** Who hears a channel for a while. */
export interface Listener {
  readonly message: (text: string) => void;
  /** It is heard from now on, and something may have been said before: the connection is another. */
  readonly missed: () => void;
}

/** Channels of one command. */
const CHANNELS_AT_ONCE = 1000;

export class RedisLink {
  readonly commands: ScriptedRedis;
  /** Resolves once the first attempts to connect have succeeded or failed: before that nothing is known. */
  readonly attempted: Promise<unknown>;
  readonly #subscriber: Redis;
  readonly #channels: readonly string[];
  /** By channel. */
  readonly #listeners = new Map<string, Listener>();
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
    this.#subscriber.on('message', (channel, message) =>
      (channels[channel] ?? this.#listeners.get(channel)?.message)?.(message),
    );
    this.#subscriber.on('close', () => {
      this.#subscribed = undefined;
      onLost('messages');
    });
    this.#subscriber.on('ready', () => {
      this.#subscribe().catch(() => {});
      this.#listenAgain().catch(() => {}); // the connection is gone: the next one is another chance
    });
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

  /**
   * Hears a channel from now on, by whatever connection there is.
   * @throws RedisFailure where it cannot now; it will by the next connection, and `missed` says so
   */
  async listen(channel: string, listener: Listener): Promise<void> {
    this.#listeners.set(channel, listener);
    try {
      await this.#subscriber.subscribe(channel);
    } catch (cause) {
      throw new RedisFailure('subscribe', cause, this.#faultOfMessages());
    }
  }

  unlisten(channel: string): void {
    if (!this.#listeners.delete(channel)) return;
    this.#subscriber.unsubscribe(channel).catch(() => {}); // without a connection it is heard no more anyway
  }

  close(): void {
    this.commands.disconnect();
    this.#subscriber.disconnect();
  }

  async #listenAgain(): Promise<void> {
    const channels = [...this.#listeners.keys()];
    for (let at = 0; at < channels.length; at += CHANNELS_AT_ONCE) {
      const some = channels.slice(at, at + CHANNELS_AT_ONCE);
      await this.#subscriber.subscribe(...some);
      for (const channel of some) this.#listeners.get(channel)?.missed();
    }
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
