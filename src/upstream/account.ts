/**
 * Whether the operator's account at the model's API works: its key, its money, its rights. What the API says to users'
 * requests is the evidence; at the start, and each minute while it does not work, a free question is asked besides.
 */
import type Anthropic from '@anthropic-ai/sdk';
import type { Clock, Timer } from '../time/clock.ts';
import { checkAccount } from './account-check.ts';
import type { FailureCause } from './failure.ts';
import type { Transport } from './transport/transport.ts';

/** `unknown`: nothing was asked yet, or what was wrong may be mended. */
export type AccountState = 'unknown' | 'works' | 'fails';

export interface AccountView {
  readonly state: AccountState;
  /** Whether a request of a user was answered by it, in this process. */
  readonly hasWorked: boolean;
}

/** What is wrong with it, for the log. */
export type AccountFailure = Pick<FailureCause, 'status' | 'type' | 'errorCode' | 'upstreamRequestId'>;

export interface AccountParts {
  readonly client: Anthropic;
  readonly transport: Transport;
  readonly clock: Clock;
  /** At once for each new reason, and again each minute while it lasts. */
  readonly onFailure: (failure: AccountFailure) => void;
  readonly onRecovered: () => void;
}

const CHECK_EVERY_MS = 60_000;
/** A start waits no longer for the answer; it counts whenever it comes. */
const START_WAITS_MS = 2_000;
/** Of the request, not of the account: other models are answered. */
const OF_A_MODEL: ReadonlySet<string | null> = new Set(['not_found_error']);

export class Account implements AccountView {
  readonly #parts: AccountParts;
  #state: AccountState = 'unknown';
  #hasWorked = false;
  /** And nobody was told of an answer since. */
  #hasFailed = false;
  #checks: Timer | null = null;
  /** When each reason was told, monotonic ms. */
  readonly #told = new Map<string, number>();

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  get state(): AccountState {
    return this.#state;
  }

  get hasWorked(): boolean {
    return this.#hasWorked;
  }

  /** Asks whether the key is one. Resolves with the answer, or after two seconds. Never rejects. */
  async check(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const deadline = this.#parts.clock.after(START_WAITS_MS, resolve);
    await Promise.race([this.#ask(), late]);
    deadline.cancel();
  }

  /** The model began to answer a user. */
  answered(): void {
    this.#hasWorked = true;
    this.#state = 'works';
    if (!this.#hasFailed) return;
    this.#hasFailed = false;
    this.#told.clear();
    this.close();
    this.#parts.onRecovered();
  }

  /** A user's request was refused for the account's sake. */
  refused(failure: AccountFailure): void {
    this.#tell(failure);
    if (OF_A_MODEL.has(failure.type)) return;
    this.#hasFailed = true;
    this.#state = 'fails';
    this.#checks ??= this.#parts.clock.every(CHECK_EVERY_MS, () => void this.#ask());
  }

  close(): void {
    this.#checks?.cancel();
    this.#checks = null;
  }

  async #ask(): Promise<void> {
    const { client, transport, clock } = this.#parts;
    const verdict = await checkAccount(client, transport, clock);
    if (verdict.kind === 'refused') this.refused(verdict.failure);
    if (verdict.kind !== 'accepted' || this.#state !== 'fails') return;
    // That the key is one does not say that there is money: the next request tells.
    this.#state = 'unknown';
    this.close();
  }

  #tell(failure: AccountFailure): void {
    const { status, type, errorCode } = failure;
    const reason = `${status} ${type} ${errorCode}`;
    const now = this.#parts.clock.elapsed();
    const before = this.#told.get(reason);
    if (before !== undefined && now - before < CHECK_EVERY_MS) return;
    this.#told.set(reason, now);
    this.#parts.onFailure(failure);
  }
}
