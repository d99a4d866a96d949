/**
 * Names of keys and channels. All begin with a project's prefix, so that projects which share a Redis do not see each
 * other, and with the format of what is stored, so that neither do relays which would misread it.
 */
import type { RunRecord } from './port.ts';

/** To be raised with every change that a relay of the format before would misread. The first one was not named in keys. */
export const FORMAT = 2;
/** Mailboxes of the first format, of whichever project. */
const UNNAMED_MAILBOXES = 'dash:to:*';

export class RedisKeys {
  readonly #prefix: string;
  readonly #named: string;

  /** @param prefix of letters, digits, `.`, `_`, `:` and `-` */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#named = `${prefix}:${FORMAT}`;
  }

  /** Before the name of a machine. */
  get leases(): string {
    return `${this.#named}:lease:`;
  }

  /** Before an epoch. */
  get logs(): string {
    return `${this.#named}:log:`;
  }

  lease(machine: string): string {
    return this.leases + machine;
  }

  log(epoch: string): string {
    return this.logs + epoch;
  }

  mailbox(machine: string): string {
    return `${this.#named}:to:${machine}`;
  }

  /** The channel on which all machines are asked to forget. */
  get forgets(): string {
    return `${this.#named}:forget`;
  }

  cancels(machine: string): string {
    return `${this.#named}:cancel:${machine}`;
  }

  run({ userId, id }: Pick<RunRecord, 'userId' | 'id'>): string {
    return `${this.#named}:run:${userId}:${id}`;
  }

  live({ userId }: Pick<RunRecord, 'userId'>): string {
    return `${this.#named}:live:${userId}`;
  }

  /** The list of a user's streams, and the channel on which its changes are told. */
  streams(userId: string): string {
    return `${this.#named}:streams:${userId}`;
  }

  /** Of an upload: itself, when those of its user end and what each has, bytes, and the same of all. Whatever the format of streams. */
  upload(userId: string, id: string): readonly string[] {
    const [own, all] = [`${this.#prefix}:uploads:${userId}`, `${this.#prefix}:uploads`];
    return [
      `${this.#prefix}:upload:${userId}:${id}`,
      `${own}:ends`,
      `${own}:sizes`,
      `${all}:ends`,
      `${all}:sizes`,
    ];
  }

  /** Of the fleet, whatever the format of its streams; their channel too. */
  get switches(): string {
    return `${this.#prefix}:switches`;
  }

  /** The same. */
  get revocations(): string {
    return `${this.#prefix}:revocations`;
  }

  /** The counter of a user's starts; whatever the format of streams, so that relays of two formats count together. */
  starts({ userId }: Pick<RunRecord, 'userId'>): string {
    return `${this.#prefix}:starts:${userId}`;
  }

  /** Patterns of the mailboxes of relays of any format. */
  get mailboxPatterns(): readonly string[] {
    return [`${this.#prefix}:*:to:*`, UNNAMED_MAILBOXES];
  }

  /** The format of the relay whose mailbox that is; undefined where it is none of this project. */
  formatOf(channel: string): number | undefined {
    if (channel.startsWith(`${this.#prefix}:`)) {
      const [, format] = /^(\d{1,9}):to:/.exec(channel.slice(this.#prefix.length + 1)) ?? [];
      if (format !== undefined) return Number(format);
    }
    return /^dash:to:[^:]+$/.test(channel) ? 1 : undefined;
  }
}
