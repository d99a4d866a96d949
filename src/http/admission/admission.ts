/**
 * Who may come in, by every transport and route by the same table of limits. In this order, so that each step is cheaper than what it
 * spares: the state of this machine, the token, the rates of its user and address, a lease.
 *
 * What shows no good token is counted apart from what does. An address that sends much of it waits longer for its tokens
 * to be judged; they are judged all the same, because a school has one address.
 */
import type { IncomingMessage } from 'node:http';
import type { Authenticator, Principal } from '../../auth/port.ts';
import type { Overload } from '../../observability/port.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Clock } from '../../time/clock.ts';
import type { SharedLimits, TakenElsewhere } from '../../workers/port.ts';
import type { Health } from '../routes/operations.ts';
import { verifyInTime } from './bearer-token.ts';
import { ALL, ConnectionLease, type LeaseCounts } from './connection-lease.ts';
import { EventLoopLimiter } from './event-loop-limiter.ts';
import { KeyedCounter, Rate, Recent } from './keyed-counts.ts';

export interface AdmissionParts {
  readonly limits: {
    /** Readers on this machine: sockets, event streams and callers that wait for an answer. */
    readonly connections: number;
    readonly connectionsPerUser: number;
    readonly connectionsPerAddress: number;
    /** Handshakes with a good token. */
    readonly upgradesPerSecondPerAddress: number;
    /** Requests and handshakes without one. */
    readonly unprovenPerSecondPerAddress: number;
    readonly requestsPerMinutePerUser: number;
  };
  readonly health: Health;
  /** The kill switch of streaming, at this moment: false refuses every socket. */
  readonly streamingEnabled: () => boolean;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  /** Of a process that is one of several: limits hold for all of them together. */
  readonly shared?: SharedLimits | undefined;
}

/** Requests judged in a turn of the event loop: about 1 ms. */
const AUTHENTICATED_PER_TURN = 4;
/** A user's handshakes a second: two for each connection they may hold, and never less than this share of their address's. */
const HANDSHAKES_PER_LEASE = 2;
const USERS_SHARE = 1 / 10;
/** How long a user's refused handshake is remembered: until a browser on a slow network has asked why, ms. */
const REFUSAL_MS = 5000;

export class Admission {
  readonly #parts: AdmissionParts;
  readonly #counts: LeaseCounts;
  readonly #authenticating = new EventLoopLimiter(AUTHENTICATED_PER_TURN);
  /** Of addresses that sent too much without a good token: one a turn. */
  readonly #unprovenAddresses = new EventLoopLimiter(1);
  readonly #unproven: Rate;
  readonly #handshakesOfAddress: Rate;
  readonly #handshakesOfUser: Rate;
  readonly #requestsOfUser: Rate;
  /** By user, why the latest handshake was refused. */
  readonly #refusals: Recent<RelayError>;
  readonly #refusedElsewhere: TakenElsewhere | undefined;

  constructor(parts: AdmissionParts) {
    const { limits, clock, shared } = parts;
    const counter = (limit: string, most: number) => new KeyedCounter(most, shared?.held(limit));
    const rate = (limit: string, most: number, windowMs: number) =>
      new Rate(most, windowMs, clock, shared?.taken(limit));
    this.#parts = parts;
    this.#counts = {
      all: counter('connections', limits.connections),
      addresses: counter('connections of address', limits.connectionsPerAddress),
      users: counter('connections of user', limits.connectionsPerUser),
    };
    this.#unproven = rate('unproven of address', limits.unprovenPerSecondPerAddress, SECOND_MS);
    this.#handshakesOfAddress = rate('handshakes of address', limits.upgradesPerSecondPerAddress, SECOND_MS);
    this.#handshakesOfUser = rate('handshakes of user', handshakesOfUser(limits), SECOND_MS);
    this.#requestsOfUser = rate('requests of user', limits.requestsPerMinutePerUser, MINUTE_MS);
    this.#refusals = new Recent(REFUSAL_MS, clock);
    // Whoever asks why may ask another process. What else refuses a handshake, each sees for itself.
    this.#refusedElsewhere = shared?.taken('refused handshakes of user');
    this.#refusedElsewhere?.onTaken((userId) => this.#refusals.set(userId, tooManyHandshakes(SECOND_MS)));
  }

  /** Leases taken. */
  get taken(): number {
    return this.#counts.all.of(ALL);
  }

  get isMemoryShort(): boolean {
    return this.#parts.health.state === 'overloaded' && this.#overload === 'memory';
  }

  get #overload(): Overload {
    return this.#parts.health.overload ?? 'memory';
  }

  /**
   * Undefined where a request can be judged at once; otherwise resolves when it is its turn: a crowd that comes at once
   * holds up no stream, and nobody else who comes with many at once, as long as they show the same token or none.
   */
  turn({ headers }: IncomingMessage): Promise<void> | undefined {
    return this.#authenticating.take(headers.authorization ?? headers['sec-websocket-protocol']);
  }

  /**
   * Whose token it is.
   * @param tokenOf throws where there is none
   * @param proven whether the connection has shown a good one before
   * @throws RelayError `unauthorized`, `forbidden`, `bad_request` or `unavailable`; `rate_limited` where there is no
   *   token and the address sent too much without a good one
   */
  async authenticate(address: string, tokenOf: () => string, proven = false): Promise<Principal> {
    const { authenticator, clock } = this.#parts;
    const isOverRate = !proven && this.#unproven.wait(address) > 0;
    const token = this.#tokenBy(tokenOf, address, proven);
    if (isOverRate) await this.#unprovenAddresses.take();
    try {
      return await verifyInTime(authenticator, token, clock);
    } catch (cause) {
      const refusal = RelayError.from(cause);
      if (!refusal.retryable) this.#unproven.take(address);
      throw refusal;
    }
  }

  #tokenBy(tokenOf: () => string, address: string, proven: boolean): string {
    try {
      return tokenOf();
    } catch (refusal) {
      this.unproven(address, proven);
      throw refusal;
    }
  }

  /**
   * Counts a request that shows no good token.
   * @throws RelayError rate_limited where its address sent too many of them, unless its connection has shown one
   */
  unproven(address: string, proven = false): void {
    const retryAfterMs = this.#unproven.take(address);
    if (retryAfterMs > 0 && !proven) throw tooManyUnproven('unproven_of_address', retryAfterMs);
  }

  /** Counts a request of a user that comes without a WebSocket. @throws RelayError rate_limited */
  request(userId: string): void {
    const retryAfterMs = this.#requestsOfUser.take(userId);
    if (retryAfterMs > 0)
      throw new RelayError('rate_limited', 'too many requests; slow down', {
        cause: 'requests_of_user',
        retryAfterMs,
      });
  }

  /**
   * Takes a lease for a socket; the caller releases it.
   * @throws RelayError `rate_limited`, `shutting_down`, `unavailable` or `too_many_connections`
   */
  handshake(address: string, userId: string): ConnectionLease {
    try {
      this.refuseSockets();
      const retryAfterMs = this.#handshakesOfUser.take(userId) || this.#handshakesOfAddress.take(address);
      if (retryAfterMs > 0) {
        this.#refusedElsewhere?.took(userId);
        throw tooManyHandshakes(retryAfterMs);
      }
      const lease = new ConnectionLease(this.#counts, address, userId);
      this.#refusals.delete(userId);
      return lease;
    } catch (cause) {
      const refusal = RelayError.from(cause);
      this.#refusals.set(userId, refusal);
      throw refusal;
    }
  }

  /**
   * Whether a handshake would be refused, uncounted. Also where the latest one of the user was, a moment ago: who asks why
   * may ask in the next second, and would take a limit for a network that blocks sockets.
   * @throws RelayError as `handshake`
   */
  explainHandshake(address: string, userId: string): void {
    this.refuseSockets();
    const retryAfterMs = this.#handshakesOfUser.wait(userId) || this.#handshakesOfAddress.wait(address);
    if (retryAfterMs > 0) throw tooManyHandshakes(retryAfterMs);
    new ConnectionLease(this.#counts, address, userId).release();
    const refusal = this.#refusals.get(userId);
    if (refusal !== undefined) throw refusal;
  }

  /**
   * Takes a lease for a reader without a WebSocket; the caller releases it.
   * @throws RelayError `unavailable` or `too_many_connections`
   */
  reader(address: string, userId: string): ConnectionLease {
    if (this.#isFull) throw full('connections');
    return new ConnectionLease(this.#counts, address, userId);
  }

  /** What needs no token to be known. @throws RelayError `shutting_down` or `unavailable` */
  refuseSockets(): void {
    if (!this.#parts.streamingEnabled())
      throw new RelayError('unavailable', 'streaming is switched off; use JSON', { cause: 'switched_off' });
    const { state } = this.#parts.health;
    if (state === 'draining')
      throw new RelayError('shutting_down', 'this machine is shutting down; reconnect');
    if (state === 'overloaded') throw full(this.#overload);
    if (this.#isFull) throw full('connections');
  }

  get #isFull(): boolean {
    return this.#counts.all.isFull(ALL);
  }
}

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

function handshakesOfUser({
  connectionsPerUser,
  upgradesPerSecondPerAddress,
}: AdmissionParts['limits']): number {
  return Math.max(HANDSHAKES_PER_LEASE * connectionsPerUser, upgradesPerSecondPerAddress * USERS_SHARE);
}

function tooManyHandshakes(retryAfterMs: number): RelayError {
  return new RelayError('rate_limited', 'too many handshakes; slow down', {
    cause: 'handshakes',
    retryAfterMs,
  });
}

export function tooManyUnproven(
  cause: 'unproven_of_address' | 'unproven_of_connection',
  retryAfterMs: number,
): RelayError {
  return new RelayError('rate_limited', 'too many requests without a valid token; slow down', {
    cause,
    retryAfterMs,
  });
}

export function full(cause: Overload | 'connections' | 'bodies'): RelayError {
  return new RelayError('unavailable', 'this machine is full; try again', { cause });
}
