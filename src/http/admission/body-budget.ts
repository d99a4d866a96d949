/**
 * How many bytes of request bodies may be on their way at once: of a user, of an address, and on this machine. A body
 * counts with what it announces, from before its first byte is read until it is there or its caller is gone.
 */
import { RelayError } from '../../protocol/relay-error.ts';
import type { HeldElsewhere } from '../../workers/port.ts';
import { full } from './admission.ts';

/** How many bodies of the largest size may be on their way. One user leaves most of it to the others, and so does one address. */
export interface BodyCounts {
  readonly ofUser: number;
  readonly ofAddress: number;
  readonly inAll: number;
}

export const REQUEST_BODIES: BodyCounts = { ofUser: 8, ofAddress: 32, inAll: 64 };
/** A file is large, but rarely as large as it may be: a class of 30 has room for its photos. */
export const UPLOAD_BODIES: BodyCounts = { ofUser: 2, ofAddress: 8, inAll: 16 };
/** While memory is short, a share of it. */
const WHILE_MEMORY_IS_SHORT = 1 / 8;

export class BodyBudget {
  readonly #maxBodyBytes: number;
  readonly #counts: BodyCounts;
  readonly #elsewhere: HeldElsewhere | undefined;
  readonly #bytes = new Map<string, number>();

  /** @param elsewhere bytes on their way to other processes of this machine */
  constructor(maxBodyBytes: number, counts: BodyCounts, elsewhere?: HeldElsewhere) {
    this.#maxBodyBytes = maxBodyBytes;
    this.#counts = counts;
    this.#elsewhere = elsewhere;
  }

  /** Bytes that bodies under way to this process may come to. */
  get reserved(): number {
    return this.#here(MACHINE);
  }

  /**
   * Takes room for a body of `bytes`. The caller calls what it returns, once, when the body is no longer on its way.
   * @param who absent for a route that asks for no token
   * @throws RelayError `rate_limited` or, where the machine has no room, `unavailable`
   */
  reserve(bytes: number, address: string, who: string | undefined, isMemoryShort: boolean): () => void {
    const room = this.#maxBodyBytes;
    const { ofUser, ofAddress, inAll } = this.#counts;
    const machine = inAll * room * (isMemoryShort ? WHILE_MEMORY_IS_SHORT : 1);
    if (this.#of(MACHINE) + bytes > machine) throw full(isMemoryShort ? 'memory' : 'bodies');
    const keys = [MACHINE, this.#within(`address ${address}`, bytes, ofAddress * room)];
    if (who !== undefined) keys.push(this.#within(`user ${who}`, bytes, ofUser * room));
    for (const key of keys) this.#add(key, bytes);
    return () => {
      for (const key of keys) this.#add(key, -bytes);
    };
  }

  #within(key: string, bytes: number, limit: number): string {
    if (this.#of(key) + bytes <= limit) return key;
    const cause = key.startsWith('user') ? 'bodies_of_user' : 'bodies_of_address';
    throw new RelayError('rate_limited', 'too many request bodies at once; wait for one to end', { cause });
  }

  #of(key: string): number {
    return this.#here(key) + (this.#elsewhere?.of(key) ?? 0);
  }

  #here(key: string): number {
    return this.#bytes.get(key) ?? 0;
  }

  #add(key: string, bytes: number): void {
    const sum = this.#here(key) + bytes;
    if (sum > 0) this.#bytes.set(key, sum);
    else this.#bytes.delete(key);
    this.#elsewhere?.changed(key, sum);
  }
}

const MACHINE = 'machine';
