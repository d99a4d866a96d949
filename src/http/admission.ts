/**
 * Who may hold a socket right now: the handshake rate of an address, and the counts of this machine, an address, a user.
 * Does not judge tokens, and holds no socket itself.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { RelayError } from '../protocol/relay-error.ts';
import type { Health } from './health.ts';
import { Seat, type SeatCounts } from './seat.ts';
import { Tally } from './tally.ts';

export interface AdmissionParts {
  readonly limits: {
    readonly connections: number;
    readonly connectionsPerUser: number;
    readonly connectionsPerAddress: number;
    readonly upgradesPerSecondPerAddress: number;
  };
  readonly health: () => Health;
  /** The kill switch: false refuses every socket. */
  readonly streamingEnabled: boolean;
}

export class Admission {
  readonly #parts: AdmissionParts;
  readonly #rate: RateLimiterMemory;
  readonly #counts: SeatCounts;

  constructor(parts: AdmissionParts) {
    const { limits } = parts;
    this.#parts = parts;
    this.#rate = new RateLimiterMemory({ points: limits.upgradesPerSecondPerAddress, duration: 1 });
    this.#counts = {
      taken: 0,
      addresses: new Tally(limits.connectionsPerAddress),
      users: new Tally(limits.connectionsPerUser),
    };
  }

  /** Seats taken, those of handshakes under way included. */
  get taken(): number {
    return this.#counts.taken;
  }

  /**
   * Takes a seat for a handshake from `address`; the caller releases it.
   * @throws RelayError `rate_limited`, `shutting_down`, `unavailable` or `too_many_connections`
   */
  async enter(address: string): Promise<Seat> {
    const retryAfterMs = await this.#consume(address);
    if (retryAfterMs > 0)
      throw new RelayError('rate_limited', 'too many handshakes; slow down', {
        cause: 'handshakes_of_address',
        retryAfterMs,
      });
    this.#refuseByState();
    return new Seat(this.#counts, address);
  }

  /** 0, or how many milliseconds to wait. */
  async #consume(address: string): Promise<number> {
    try {
      await this.#rate.consume(address);
      return 0;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return Math.max(1, refusal.msBeforeNext);
    }
  }

  /** To be asked again where time has passed since `enter`. @throws RelayError shutting_down */
  refuseWhileDraining(): void {
    if (this.#parts.health().state === 'draining')
      throw new RelayError('shutting_down', 'this machine is shutting down; reconnect');
  }

  #refuseByState(): void {
    if (!this.#parts.streamingEnabled)
      throw new RelayError('unavailable', 'streaming is switched off; use JSON', { cause: 'switched_off' });
    this.refuseWhileDraining();
    const overloaded = this.#parts.health().state === 'overloaded';
    if (overloaded || this.#counts.taken >= this.#parts.limits.connections) {
      const cause = overloaded ? 'memory' : 'connections';
      throw new RelayError('unavailable', 'this machine is full; try again', { cause });
    }
  }
}
