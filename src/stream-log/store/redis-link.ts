/**
 * The two connections to Redis: one for commands, one for messages. A command fails at once while there is no
 * connection, and after two seconds without an answer: nothing queues, nothing is sent again. A connection that is
 * silent for longer is replaced, since a network that swallows everything never says so.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { SCRIPTS } from './redis-scripts.ts';

const COMMAND_MS = 2000;
const SILENCE_MS = 3000;
const CONNECT_MS = 2000;
const RECONNECT_MS = 250;

const OPTIONS = {
  protocol: 2,
  connectTimeout: CONNECT_MS,
  commandTimeout: COMMAND_MS,
  socketTimeout: SILENCE_MS,
  retryStrategy: () => RECONNECT_MS,
  // After a failover the old primary answers as a replica: look again for who is the primary.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectionName: 'dash-relay',
} satisfies RedisOptions;

type Argument = string | number;
type ScriptedRedis = Redis & {
  readonly [Name in keyof typeof SCRIPTS]: (...args: Argument[]) => Promise<unknown>;
};

export class RedisLink {
  readonly commands: ScriptedRedis;
  /** Resolves once the first attempts to connect have succeeded or failed: before that nothing is known. */
  readonly attempted: Promise<unknown>;
  readonly #subscriber: Redis;

  /** `channel` is this process's mailbox. Connects by itself, now and whenever it was lost. */
  constructor(url: string, channel: string, receive: (message: string) => void) {
    this.commands = new Redis(url, { ...OPTIONS, scripts: SCRIPTS }) as ScriptedRedis;
    this.#subscriber = new Redis(url, OPTIONS);
    // What is wrong shows in the commands that fail.
    this.commands.on('error', () => {});
    this.#subscriber.on('error', () => {});
    this.#subscriber.on('message', (_channel, message) => receive(message));
    this.#subscriber.on('ready', () => void this.#subscriber.subscribe(channel).catch(() => {}));
    this.attempted = Promise.all([attempted(this.commands), attempted(this.#subscriber)]);
  }

  /** Rejects where no message could arrive. */
  async checkMailbox(): Promise<void> {
    await this.#subscriber.ping();
  }

  close(): void {
    this.commands.disconnect();
    this.#subscriber.disconnect();
  }
}

function attempted(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    redis.once('ready', resolve);
    redis.once('close', resolve);
  });
}
