import { RelayError } from '../protocol/relay-error.ts';
import type { Tally } from './tally.ts';

/** What all seats of a machine count in. */
export interface SeatCounts {
  taken: number;
  readonly addresses: Tally;
  readonly users: Tally;
}

/**
 * One place among the connections: taken for an address before the token is read, then for its user,
 * and given back exactly once, however the connection ends.
 */
export class Seat {
  readonly #counts: SeatCounts;
  readonly #address: string;
  #userId: string | undefined;
  #released = false;

  /** @throws RelayError `too_many_connections` if the address has no place left */
  constructor(counts: SeatCounts, address: string) {
    if (!counts.addresses.add(address)) {
      throw new RelayError('too_many_connections', 'too many connections from this address', {
        cause: 'connections_of_address',
      });
    }
    counts.taken += 1;
    this.#counts = counts;
    this.#address = address;
  }

  /** @throws RelayError `too_many_connections` if the user has no place left; the seat still is to be released */
  claim(userId: string): void {
    if (!this.#counts.users.add(userId)) {
      throw new RelayError('too_many_connections', 'too many connections of this user; close one', {
        cause: 'connections_of_user',
      });
    }
    this.#userId = userId;
  }

  /** Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#counts.taken -= 1;
    this.#counts.addresses.remove(this.#address);
    if (this.#userId !== undefined) this.#counts.users.remove(this.#userId);
  }
}
