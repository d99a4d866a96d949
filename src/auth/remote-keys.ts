/**
 * The key set of a remote issuer, at hand: the driver of key-set-schedule.ts, which says when to fetch. One fetch at a
 * time; known keys are never waited for.
 */
import { RelayError } from '../protocol/relay-error.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { fetchJson } from './fetch-json.ts';
import { type Found, KeySet, type KeySource } from './key-set.ts';
import { KeySetFault } from './key-set-fault.ts';
import {
  begin,
  beginForUnknownKey,
  fail,
  isServable,
  type KeySetSchedule,
  NOTHING_FETCHED,
  onUnknownKey,
  succeed,
  want,
} from './key-set-schedule.ts';
import type { KeySetState } from './port.ts';
import type { SignatureAlgorithm, VerificationKey } from './verification-key.ts';

export type KeySetEvent =
  | { readonly kind: 'loaded'; readonly keys: number }
  | { readonly kind: 'failed'; readonly cause: unknown; readonly retryInMs: number };

export interface RemoteKeysOptions {
  readonly url: URL;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Whether an issuer without any key is taken at its word (a legacy project signs with its secret alone). */
  readonly mayBeEmpty: boolean;
  /** Told of each fetch's result, for logs and metrics. */
  readonly observe: (event: KeySetEvent) => void;
}

const MAX_BYTES = 65_536;
const EMPTY =
  'no usable key: a project that signs with a shared secret has none, and needs SUPABASE_JWT_SECRET';

export class RemoteKeys implements KeySource {
  readonly #options: RemoteKeysOptions;
  readonly #closed = new AbortController();
  #schedule: KeySetSchedule = NOTHING_FETCHED;
  #keys = KeySet.EMPTY;
  readonly #absent = new AbsentKeys();
  #fetch: Promise<void> | undefined;
  #timer: Timer | undefined;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  get ready(): boolean {
    return this.#schedule.loadedAt !== undefined;
  }

  get state(): KeySetState {
    const now = this.#options.clock.elapsed();
    const { loadedAt } = this.#schedule;
    return {
      isUsable: isServable(this.#schedule, now),
      ageMs: loadedAt === undefined ? null : now - loadedAt,
    };
  }

  async start(): Promise<void> {
    if (this.#fetch === undefined) this.#begin(begin(this.#schedule, this.#options.clock.elapsed()));
    await this.#fetch;
  }

  close(): void {
    this.#timer?.cancel();
    this.#closed.abort();
  }

  find(alg: SignatureAlgorithm, kid: string): Found | Promise<Found> {
    return this.#servable().find(alg, kid) ?? this.#askFor(alg, kid);
  }

  async #askFor(alg: SignatureAlgorithm, kid: string): Promise<Found> {
    const now = this.#options.clock.elapsed();
    if (this.#absent.has(alg, kid, now)) return undefined;
    const answer = onUnknownKey(this.#schedule, now);
    if (answer === 'absent') return this.#askSoon();
    if (answer === 'unknowable') throw this.#unavailable();
    if (answer === 'fetch') this.#begin(beginForUnknownKey(this.#schedule, now));
    await this.#fetch;
    const found = this.#servable().find(alg, kid);
    if (found === undefined && this.#schedule.failures > 0) throw this.#unavailable();
    if (found === undefined) this.#absent.add(alg, kid, now);
    return found;
  }

  has(key: VerificationKey): boolean {
    return this.#keys.has(key);
  }

  #servable(): KeySet {
    return isServable(this.#schedule, this.#options.clock.elapsed()) ? this.#keys : KeySet.EMPTY;
  }

  #begin(schedule: KeySetSchedule): void {
    this.#schedule = schedule;
    this.#timer?.cancel();
    this.#fetch = this.#load();
  }

  /** Never rejects, if `observe` keeps its word. */
  async #load(): Promise<void> {
    const { observe } = this.#options;
    const event = await this.#attempt();
    if (this.#closed.signal.aborted) return;
    this.#setTimer();
    observe(event);
  }

  #setTimer(): void {
    const { clock } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.after(this.#nextFetchIn(), () => this.#begin(begin(this.#schedule, clock.elapsed())));
  }

  /** Of one that came too soon after another: nobody knows it now, and the next fetch may bring it. */
  #askSoon(): undefined {
    if (this.#schedule.wanted) return;
    this.#schedule = want(this.#schedule);
    this.#setTimer();
  }

  async #attempt(): Promise<KeySetEvent> {
    const { clock } = this.#options;
    try {
      this.#keys = await this.#download();
      this.#schedule = succeed(this.#schedule, clock.elapsed());
      return { kind: 'loaded', keys: this.#keys.size };
    } catch (cause) {
      this.#schedule = fail(this.#schedule, clock.elapsed());
      return { kind: 'failed', cause, retryInMs: this.#nextFetchIn() };
    }
  }

  async #download(): Promise<KeySet> {
    const { url, clock, timeoutMs, mayBeEmpty } = this.#options;
    const limits = { clock, timeoutMs, maxBytes: MAX_BYTES, signal: this.#closed.signal };
    const keys = await KeySet.from(await fetchJson(url, limits), this.#keys);
    // A key set that has lost all its keys is a fault of the issuer, not a revocation of everybody.
    if (keys.size === 0 && !(mayBeEmpty && this.#servable().size === 0)) throw new KeySetFault(EMPTY);
    return keys;
  }

  #nextFetchIn(): number {
    return Math.max(0, this.#schedule.nextFetchAt - this.#options.clock.elapsed());
  }

  #unavailable(): RelayError {
    return new RelayError('unavailable', 'tokens cannot be verified at the moment; try again', {
      cause: 'key_set_unavailable',
      retryAfterMs: this.#nextFetchIn(),
    });
  }
}

/** How long its word holds, ms. */
const HOLDS_MS = 30_000;
/** Their ids are at most 256 characters long. */
const MOST = 1000;

/** Key ids that the issuer was asked for lately and does not have: nobody asks it again for those. Bounded. */
class AbsentKeys {
  /** When the issuer was asked, monotonic ms; oldest first. */
  readonly #askedAt = new Map<string, number>();

  has(alg: SignatureAlgorithm, kid: string, now: number): boolean {
    const askedAt = this.#askedAt.get(`${alg} ${kid}`);
    return askedAt !== undefined && now - askedAt < HOLDS_MS;
  }

  add(alg: SignatureAlgorithm, kid: string, now: number): void {
    const name = `${alg} ${kid}`;
    this.#askedAt.delete(name);
    this.#askedAt.set(name, now);
    const [oldest] = this.#askedAt.keys();
    if (this.#askedAt.size > MOST && oldest !== undefined) this.#askedAt.delete(oldest);
  }
}
