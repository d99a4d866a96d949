/**
 * Tier and organisation of users by a view of Postgres. What was read is used for a minute or so; then it is read again, and
 * whoever asks waits for that a second at most. While Postgres is away what was read before is used, up to a day; of users
 * who were never read it says nothing, and reads them as soon as it can.
 *
 *   find ─► read lately ─► answer
 *             └ no ─► Postgres answers in time ─► answer
 *                       └ no ─► from then on nobody waits: what was read before, or nothing
 *
 * Machines do this each by itself, and share nothing.
 */
import type { Identity, IdentityLookup } from '../auth/port.ts';
import { failureReason } from '../postgres/failure.ts';
import type { RunStatement } from '../postgres/pool.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { Outage, type OutageEvents, within } from '../time/outage.ts';
import { BatchedReads } from './batched-reads.ts';
import { type CachedIdentity, IdentityCache } from './identity-cache.ts';
import { IdentityView, IdentityViewFault, type ViewNotice } from './identity-view.ts';

/** Where an answer came from: what was read lately, Postgres, what was read before while it is away, or nowhere. */
export type LookupResult = 'hit' | 'miss' | 'stale' | 'unknown';

export interface ViewLookupOptions extends OutageEvents {
  readonly view: string;
  readonly query: RunStatement;
  readonly clock: Clock;
  /** How long what was read is used without asking again, at most, ms. */
  readonly ttlMs: number;
  /** How old it may be while Postgres is away, ms. */
  readonly staleMs: number;
  /** Users at most; default 20,000, of some 300 bytes each. */
  readonly mostUsers?: number;
  /** From 0 to 1; default Math.random. */
  readonly random?: () => number;
  readonly onLookup: (outcome: LookupResult, userId: string) => void;
  /** Told once of each. */
  readonly onNotice: (notice: ViewNotice) => void;
}

/** What a handshake waits for Postgres at most, ms: then it counts as away. */
const FIND_WITHIN_MS = 1000;
const CHECK_WITHIN_MS = 5000;
const MOST_USERS = 20_000;
/** Machines and users do not all ask again at once: a share of the time is left to chance. */
const JITTER = 0.2;
const FORGET_EVERY_MS = 3_600_000;

export class ViewLookup implements IdentityLookup {
  readonly #options: ViewLookupOptions;
  readonly #view: IdentityView;
  readonly #reads: BatchedReads<Identity>;
  readonly #cache: IdentityCache;
  readonly #outage: Outage;
  readonly #mostUsers: number;
  /** Of whom nothing could be said: read when Postgres is back. */
  readonly #unanswered = new Set<string>();
  readonly #told = new Set<string>();
  readonly #forgetting: Timer;
  #checkFailure: unknown;

  constructor(options: ViewLookupOptions) {
    const { view, query, clock, mostUsers = MOST_USERS, onOutage, onRecovered } = options;
    this.#options = options;
    this.#mostUsers = mostUsers;
    this.#view = new IdentityView(view, query, (notice) => this.#notice(notice));
    this.#reads = new BatchedReads({
      read: (userIds) => within(clock, FIND_WITHIN_MS, this.#view.read(userIds)),
      onUnreadable: (cause) => this.#notice({ kind: 'unreadable', reason: failureReason(cause) }),
    });
    this.#cache = new IdentityCache(mostUsers);
    this.#outage = new Outage({
      clock,
      onOutage,
      onRecovered,
      probe: () => this.#check(),
      onOver: () => this.#readUnanswered(),
    });
    this.#forgetting = clock.every(FORGET_EVERY_MS, () =>
      this.#cache.forgetBefore(clock.elapsed() - options.staleMs),
    );
  }

  /** Whether Postgres can be asked, and has the view. */
  get up(): boolean {
    return this.#outage.over;
  }

  /** Users that are at hand. */
  get size(): number {
    return this.#cache.size;
  }

  /** @throws IdentityViewFault where Postgres answers and the view cannot be read as it is */
  async start(): Promise<void> {
    await this.#outage.probe();
    if (this.#checkFailure instanceof IdentityViewFault) throw this.#checkFailure;
    // Only a hint, which may read whole tables: nobody waits for it, and what fails is told by what users ask.
    if (this.up) void this.#view.checkRows().catch(() => {});
  }

  async find(userId: string): Promise<Identity | null | undefined> {
    const held = this.#cache.get(userId);
    if (held !== undefined && this.#isFresh(held)) return this.#answer('hit', userId, held);
    if (!this.#outage.over) return this.#withoutPostgres(userId, held);
    try {
      const identity = await within(this.#options.clock, FIND_WITHIN_MS, this.#read(userId));
      this.#options.onLookup('miss', userId);
      return identity;
    } catch (cause) {
      this.#outage.trip(cause);
      return this.#withoutPostgres(userId, held);
    }
  }

  known(userId: string): Identity | null | undefined {
    const held = this.#cache.get(userId);
    if (held !== undefined && this.#isFresh(held)) return this.#answer('hit', userId, held);
    if (!this.#outage.over) return this.#withoutPostgres(userId, held);
    this.#options.onLookup('miss', userId);
    this.#refresh(userId);
    return held?.identity;
  }

  close(): void {
    this.#forgetting.cancel();
    this.#outage.close();
  }

  async #check(): Promise<void> {
    this.#checkFailure = undefined;
    try {
      await within(this.#options.clock, CHECK_WITHIN_MS, this.#view.check());
    } catch (cause) {
      this.#checkFailure = cause;
      throw cause;
    }
  }

  #isFresh({ freshUntil }: CachedIdentity): boolean {
    return this.#options.clock.elapsed() < freshUntil;
  }

  #answer(outcome: LookupResult, userId: string, { identity }: CachedIdentity): Identity | null {
    this.#options.onLookup(outcome, userId);
    return identity;
  }

  #withoutPostgres(userId: string, held: CachedIdentity | undefined): Identity | null | undefined {
    const { clock, staleMs, onLookup } = this.#options;
    if (held !== undefined && clock.elapsed() - held.readAt <= staleMs)
      return this.#answer('stale', userId, held);
    if (this.#unanswered.size < this.#mostUsers) this.#unanswered.add(userId);
    onLookup('unknown', userId);
    return undefined;
  }

  /** Kept also where nobody waits for it any more. */
  async #read(userId: string): Promise<Identity | null> {
    const identity = await this.#reads.load(userId);
    const { clock, ttlMs, random = Math.random } = this.#options;
    const readAt = clock.elapsed();
    this.#cache.set(userId, { identity, readAt, freshUntil: readAt + ttlMs * (1 - JITTER * random()) });
    return identity;
  }

  #refresh(userId: string): void {
    this.#read(userId).catch((cause: unknown) => this.#outage.trip(cause));
  }

  #readUnanswered(): void {
    const userIds = [...this.#unanswered];
    this.#unanswered.clear();
    for (const userId of userIds) this.#refresh(userId);
  }

  #notice(notice: ViewNotice): void {
    const key = Object.values(notice).join(' ');
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#options.onNotice(notice);
  }
}
