import { RelayError } from '../../protocol/relay-error.ts';
import type { KeyedCounter } from './keyed-counts.ts';

/** What all leases of a machine count in. */
export interface LeaseCounts {
  /** By one key, `ALL`. */
  readonly all: KeyedCounter;
  readonly addresses: KeyedCounter;
  readonly users: KeyedCounter;
}

export const ALL = '';

/** One place among the readers, by whichever transport: of a user at an address, given back exactly once, however it ends. */
export class ConnectionLease {
  readonly #counts: LeaseCounts;
  readonly #address: string;
  readonly #userId: string;
  #released = false;

  /** @throws RelayError `too_many_connections` if the user or the address has no place left */
  constructor(counts: LeaseCounts, address: string, userId: string) {
    if (!counts.users.add(userId)) {
      throw new RelayError('too_many_connections', 'too many connections of this user; close one', {
        cause: 'connections_of_user',
      });
    }
    if (!counts.addresses.add(address)) {
      counts.users.remove(userId);
      throw tooManyOfAddress();
    }
    counts.all.add(ALL);
    this.#counts = counts;
    this.#address = address;
    this.#userId = userId;
  }

  /** Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#counts.all.remove(ALL);
    this.#counts.addresses.remove(this.#address);
    this.#counts.users.remove(this.#userId);
  }
}

export function tooManyOfAddress(): RelayError {
  return new RelayError('too_many_connections', 'too many connections from this address', {
    cause: 'connections_of_address',
  });
}
