/**
 * The switches of the fleet in Redis: one hash with a field for each that is set, and a channel of the same name. It has no
 * end of its own and no format in its name, so that it outlives machines and releases.
 */
import { type FleetEntries, type FleetSwitches, FleetUnreachable } from '../fleet-switches.ts';
import { RedisFailure } from './redis-failure.ts';
import type { RedisLink } from './redis-link.ts';

export class RedisSwitches implements FleetSwitches {
  readonly #link: RedisLink;
  readonly #key: string;
  #tell: () => void = () => {};

  /** @param key of the hash, and the channel */
  constructor(link: RedisLink, key: string) {
    this.#link = link;
    this.#key = key;
  }

  read(): Promise<FleetEntries> {
    return this.#ask((commands) => commands.hgetall(this.#key));
  }

  async change(entries: Readonly<Record<string, string | undefined>>): Promise<void> {
    const fields = Object.entries(entries)
      .flat()
      .map((text) => text ?? '');
    await this.#ask((commands) => commands.dashSwitch(this.#key, ...fields));
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
      return await this.#link.answer('switches', ask(this.#link.commands));
    } catch (cause) {
      if (!(cause instanceof RedisFailure)) throw cause;
      const { code, hint } = cause;
      throw new FleetUnreachable(hint === undefined ? code : `${code}: ${hint}`, { cause });
    }
  }
}
