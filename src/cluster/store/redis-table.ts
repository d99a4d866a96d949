/**
 * A table of the fleet in Redis: one hash with a field for each entry, and a channel of the same name. It has no end of its
 * own and no format in its name, so that it outlives machines and releases.
 */
import { type FleetEntries, type FleetTable, FleetUnreachable } from '../fleet-table.ts';
import { RedisFailure } from './redis-failure.ts';
import type { RedisLink } from './redis-link.ts';

export class RedisTable implements FleetTable {
  readonly #link: RedisLink;
  readonly #operation: string;
  readonly #key: string;
  #tell: () => void = () => {};

  /**
   * @param operation what a failure is said to have happened at: `switches`
   * @param key of the hash, and the channel
   */
  constructor(link: RedisLink, operation: string, key: string) {
    this.#link = link;
    this.#operation = operation;
    this.#key = key;
  }

  read(): Promise<FleetEntries> {
    return this.#ask((commands) => commands.hgetall(this.#key));
  }

  async readOne(name: string): Promise<string | undefined> {
    return (await this.#ask((commands) => commands.hget(this.#key, name))) ?? undefined;
  }

  async change(entries: Readonly<Record<string, string | undefined>>): Promise<void> {
    const fields = Object.entries(entries)
      .flat()
      .map((text) => text ?? '');
    await this.#ask((commands) => commands.dashChange(this.#key, ...fields));
  }

  onChange(listener: () => void): void {
    this.#tell = listener;
  }

  /** A message came. */
  told(): void {
    this.#tell();
  }

  async #ask<Reply>(ask: (commands: RedisLink['commands']) => Promise<Reply>): Promise<Reply> {
    await this.#link.attempted;
    try {
      return await this.#link.answer(this.#operation, ask(this.#link.commands));
    } catch (cause) {
      if (!(cause instanceof RedisFailure)) throw cause;
      const { code, hint } = cause;
      throw new FleetUnreachable(hint === undefined ? code : `${code}: ${hint}`, { cause });
    }
  }
}
