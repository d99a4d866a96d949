/**
 * Sends events from the ledger's file to the operator's endpoint, each until it is taken: at least once, those of a stream in
 * their order. Owns when, how many at a time, and what follows a failure. Does not own the rows (`ledger/webhook-events.ts`) or
 * the request (`endpoint.ts`).
 *
 *   waiting ──due──► under way ──2xx──► gone from the file
 *      ▲                 └──anything else──► waiting: 5 s, 30 s, 2 min … a day ──11th time──► dead
 *      └── the endpoint is back: all that failed is due at once
 *
 * While several events fail one after the other the endpoint is away: then one at a time is tried, after 1 s, 2 s … 60 s, and the
 * others keep what they have left. After a 410 nothing is sent until the next start.
 */
import type { WebhookEvent, WebhookEvents } from '../ledger/webhook-events.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { GrowingPause } from '../time/growing-pause.ts';
import type { AttemptResult, DeliveryOutcome } from './endpoint.ts';

/** What the operator hears. No word of an event. */
export interface SenderNews {
  /** Each attempt, with how long it took, ms. */
  readonly onAttempt: (event: { readonly outcome: DeliveryOutcome; readonly ms: number }) => void;
  /** Once, until it is over. */
  readonly onAway: (event: { readonly outcome: DeliveryOutcome; readonly status: number | null }) => void;
  readonly onBack: (event: { readonly awayMs: number }) => void;
  readonly onDead: (event: {
    readonly webhookId: string;
    readonly outcome: DeliveryOutcome;
    readonly status: number | null;
  }) => void;
  /** It answered 410: nothing is sent any more. */
  readonly onGone: () => void;
}

export interface SenderParts extends SenderNews {
  readonly events: WebhookEvents;
  readonly deliver: (id: string, body: string, signal: AbortSignal) => Promise<AttemptResult>;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Before each further attempt, a tenth less or more: two days in all. */
const RETRY_AFTER_MS: readonly number[] = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
];
const JITTER = 0.1;
const AT_ONCE = 8;
/** Failures one after the other, of more than one event, from which the endpoint is taken for away. */
const AWAY_AFTER = 3;
const FIRST_PAUSE_MS = SECOND;
const LAST_PAUSE_MS = MINUTE;
/** How soon what became due, or was sent again by a command, is seen. */
const SWEEP_MS = SECOND;
const HOUSEKEEPING_MS = HOUR;
/** How long what could not be sent, or was given up, is kept. */
const KEEP_MS = 30 * DAY;
/** What a closing relay still waits for. */
const CLOSE_WITHIN_MS = 3000;

export class WebhookSender {
  readonly #parts: SenderParts;
  readonly #timers: readonly Timer[];
  readonly #underWay = new Map<number, Promise<void>>();
  readonly #stop = new AbortController();
  readonly #pauses = new GrowingPause(FIRST_PAUSE_MS, LAST_PAUSE_MS);
  #soon: NodeJS.Immediate | undefined;
  /** Since the last that was taken. */
  #failures = 0;
  #failedFirst: number | undefined;
  #severalFailed = false;
  /** Elapsed ms; undefined while the endpoint is there. */
  #awaySince: number | undefined;
  /** Nothing is sent before that, elapsed ms. */
  #pauseUntil = 0;
  #isStopped = false;

  constructor(parts: SenderParts) {
    const { events, clock } = parts;
    this.#parts = parts;
    events.onAdded = () => this.#wake();
    const prune = (): void => void events.prune(clock.now() - KEEP_MS);
    this.#timers = [clock.every(SWEEP_MS, () => this.#send()), clock.every(HOUSEKEEPING_MS, prune)];
    prune();
    this.#wake();
  }

  /** Whether there is nothing left to send, now or later. */
  get isDone(): boolean {
    return this.#underWay.size === 0 && this.#parts.events.isEmpty;
  }

  /** Lets what is under way end, for a few seconds; the next start sends the rest. To be called once. */
  async close(): Promise<void> {
    const { clock, events } = this.#parts;
    this.#isStopped = true;
    events.onAdded = () => {};
    for (const timer of this.#timers) timer.cancel();
    clearImmediate(this.#soon);
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const deadline = clock.after(CLOSE_WITHIN_MS, () => {
      this.#stop.abort();
      giveUp();
    });
    await Promise.race([Promise.all(this.#underWay.values()), late]);
    deadline.cancel();
  }

  /** Once for all that one commit brought. */
  #wake(): void {
    if (this.#isStopped) return;
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#send();
    });
  }

  #send(): void {
    const { clock, events } = this.#parts;
    if (this.#isStopped || clock.elapsed() < this.#pauseUntil) return;
    const room = (this.#awaySince === undefined ? AT_ONCE : 1) - this.#underWay.size;
    if (room <= 0) return;
    // What is under way is due as well, and comes first.
    const due = events.due(clock.now(), room + this.#underWay.size);
    const idle = due.filter(({ event }) => !this.#underWay.has(event));
    for (const event of idle.slice(0, room)) {
      const sending = this.#sendOne(event).finally(() => {
        this.#underWay.delete(event.event);
        this.#wake();
      });
      this.#underWay.set(event.event, sending);
    }
  }

  async #sendOne(event: WebhookEvent): Promise<void> {
    const { clock, deliver, events, onAttempt } = this.#parts;
    const began = clock.elapsed();
    const delivery = await deliver(event.id, event.body, this.#stop.signal);
    const { outcome } = delivery;
    if (outcome === 'stopped') return;
    onAttempt({ outcome, ms: clock.elapsed() - began });
    if (outcome === 'delivered') {
      await events.taken(event); // a crash before that sends it once more
      await this.#succeeded();
    } else if (outcome === 'gone') {
      this.#gone();
    } else {
      this.#failed(event, delivery);
      await this.#keep(event, delivery);
    }
  }

  async #succeeded(): Promise<void> {
    const { clock, events, onBack } = this.#parts;
    const awaySince = this.#awaySince;
    this.#failures = 0;
    this.#failedFirst = undefined;
    this.#severalFailed = false;
    this.#awaySince = undefined;
    this.#pauseUntil = 0;
    this.#pauses.reset();
    if (awaySince === undefined) return;
    onBack({ awayMs: clock.elapsed() - awaySince });
    await events.dueNow(clock.now());
  }

  #failed({ event }: WebhookEvent, { outcome, status, retryAfterMs }: AttemptResult): void {
    const { clock, onAway } = this.#parts;
    const now = clock.elapsed();
    this.#failures += 1;
    this.#failedFirst ??= event;
    if (event !== this.#failedFirst) this.#severalFailed = true;
    if (retryAfterMs !== null) this.#pauseUntil = Math.max(this.#pauseUntil, now + retryAfterMs);
    if (this.#failures < AWAY_AFTER || !this.#severalFailed) return;
    this.#pauseUntil = Math.max(this.#pauseUntil, now + this.#pauses.next());
    if (this.#awaySince !== undefined) return;
    this.#awaySince = now;
    onAway({ outcome, status });
  }

  async #keep(event: WebhookEvent, { outcome, status, retryAfterMs }: AttemptResult): Promise<void> {
    const { clock, events, onDead, random } = this.#parts;
    const failure = outcome === 'status' ? `status ${status}` : outcome;
    const pause = RETRY_AFTER_MS[event.attempts];
    if (pause === undefined) {
      await events.gaveUp(event, failure, clock.now());
      onDead({ webhookId: event.id, outcome, status });
      return;
    }
    const jittered = pause * (1 - JITTER + 2 * JITTER * random());
    await events.failed(event, failure, clock.now() + Math.round(Math.max(jittered, retryAfterMs ?? 0)));
  }

  /** Whoever answers so wants no more; what waits is kept until somebody has set the address right. */
  #gone(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#parts.onGone();
  }
}
