/**
 * Events for the operator's webhook, in the ledger's file: written in the transaction that settles their run, so that no
 * crash comes between both. Owns the rows; what they say and when they leave is `webhooks/`.
 *
 *   settled ──► waiting ──taken──► gone              held ──its ending was read──► gone
 *                  ▲  └──given up──► dead ─┐          └──────nobody has───► waiting
 *                  └─────sent again────────┘
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../time/clock.ts';
import type { UsageIntent, UsageSettlement } from './port.ts';
import { committed, type Write } from './write-queue.ts';

/** A run as it was settled. Without `answer` where a crash ended it. */
export interface SettledUsage {
  readonly intent: UsageIntent;
  readonly settlement: Omit<UsageSettlement, 'ending'>;
}

export interface NewWebhookEvent {
  /** The `webhook-id`: the same of the same event, however often it is written or sent. */
  readonly id: string;
  readonly type: string;
  /** The JSON that is sent. */
  readonly body: string;
  /** How long the ending of its run may be read before it becomes one, ms; 0: it is one at once. */
  readonly heldMs: number;
}

/** What is to be told of a run. Pure. @param now Unix ms */
export type ComposeEvents = (run: SettledUsage, now: number) => readonly NewWebhookEvent[];

export interface WebhookEvent {
  /** Its number in this file. Those of a stream leave in this order. */
  readonly event: number;
  readonly id: string;
  readonly type: string;
  readonly userId: string;
  readonly streamId: string;
  readonly body: string;
  /** Deliveries that failed. */
  readonly attempts: number;
}

export interface WebhookEvents {
  /**
   * Events that are due, the longest first, and none whose stream has an earlier one that waits.
   * @param now Unix ms
   */
  due(now: number, limit: number): readonly WebhookEvent[];
  /** Resolves when it is gone from the file. */
  taken(event: WebhookEvent): Promise<void>;
  /** Counts a delivery that failed. Resolves when that is on disk. @param dueAt of the next one, Unix ms */
  failed(event: WebhookEvent, failure: string, dueAt: number): Promise<void>;
  /** The same, and nothing more is tried of it. */
  gaveUp(event: WebhookEvent, failure: string, at: number): Promise<void>;
  /** The receiver is back: what has failed so far is due now. */
  dueNow(now: number): Promise<void>;
  /** A reader holds the ending of that run: where nobody was told yet that none does, nobody will be. */
  read(epoch: string): void;
  /** Takes answers' texts out of what waits of a user, or of one stream. Resolves when they are gone from the file. */
  forgetText(userId: string, streamId?: string): Promise<void>;
  /** Deletes what is older than that, sent or not. @param before Unix ms */
  prune(before: number): Promise<void>;
  /** Events that wait for their receiver: not those whose ending may still be read. */
  waiting(now: number): { readonly events: number; readonly oldest: number | null };
  /** Events that are not tried any more. */
  readonly dead: number;
  /** Whether there is anything that will leave by itself, held events among them. */
  readonly isEmpty: boolean;
  /** Called after each commit that may have brought some. */
  onAdded: () => void;
}

/** Of an event that is told where nobody has read the ending of that run. */
export function unreadId(epoch: string): string {
  return `unread_${epoch}`;
}

const ALIVE = 'dead_since IS NULL';
/** Events whose ending may still be read: only those have a time before anybody tried. */
const HELD = 'attempts = 0 AND due_at > $now';
const COLUMNS = 'event, id, type, user_id AS userId, stream_id AS streamId, body, attempts';
/** After a restart readers get this long to come back before they are taken for absent, ms. */
const HELD_AFTER_RESTART_MS = 10_000;

export class SqliteWebhookEvents implements WebhookEvents {
  onAdded: () => void = () => {};
  readonly #write: (write: Write) => void;
  readonly #clock: Clock;
  readonly #eventsOf: ComposeEvents | undefined;
  readonly #insert: StatementSync;
  readonly #due: StatementSync;
  readonly #delete: StatementSync;
  readonly #fail: StatementSync;
  readonly #bury: StatementSync;
  readonly #dueNow: StatementSync;
  readonly #read: StatementSync;
  readonly #forgetText: StatementSync;
  readonly #prune: StatementSync;
  readonly #waiting: StatementSync;
  readonly #dead: StatementSync;
  readonly #any: StatementSync;

  /**
   * @param write queues a write of the ledger's one writer
   * @param eventsOf undefined: no webhook is told of runs
   */
  constructor(
    database: DatabaseSync,
    write: (write: Write) => void,
    clock: Clock,
    eventsOf: ComposeEvents | undefined,
  ) {
    this.#write = write;
    this.#clock = clock;
    this.#eventsOf = eventsOf;
    database
      .prepare(
        `UPDATE webhook_events SET due_at = max(due_at, ?) WHERE ${ALIVE} AND attempts = 0 AND held_ms > 0`,
      )
      .run(clock.now() + HELD_AFTER_RESTART_MS);
    this.#insert = database.prepare(
      `INSERT INTO webhook_events (id, type, user_id, stream_id, body, held_ms, added_at, due_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#due = database.prepare(
      `SELECT ${COLUMNS} FROM webhook_events AS this WHERE ${ALIVE} AND due_at <= ? AND NOT EXISTS (
         SELECT 1 FROM webhook_events AS other WHERE other.${ALIVE} AND other.user_id = this.user_id
           AND other.stream_id = this.stream_id AND other.event < this.event)
       ORDER BY due_at, event LIMIT ?`,
    );
    this.#delete = database.prepare('DELETE FROM webhook_events WHERE event = ?');
    const fail = (also: string) =>
      database.prepare(
        `UPDATE webhook_events SET attempts = attempts + 1, failure = ?, ${also} = ? WHERE event = ?`,
      );
    this.#fail = fail('due_at');
    this.#bury = fail('dead_since');
    this.#dueNow = database.prepare(
      `UPDATE webhook_events SET due_at = $now WHERE ${ALIVE} AND attempts > 0 AND due_at > $now`,
    );
    this.#read = database.prepare(`DELETE FROM webhook_events WHERE id = $id AND ${ALIVE} AND ${HELD}`);
    this.#forgetText = database.prepare(
      `UPDATE webhook_events SET body = json_set(body, '$.data.text', NULL)
       WHERE user_id = $userId AND ($streamId IS NULL OR stream_id = $streamId) AND body ->> '$.data.text' IS NOT NULL`,
    );
    this.#prune = database.prepare('DELETE FROM webhook_events WHERE added_at < ?');
    this.#waiting = database.prepare(
      `SELECT count(*) AS events, min(added_at + held_ms) AS oldest FROM webhook_events WHERE ${ALIVE} AND NOT (${HELD})`,
    );
    this.#dead = database.prepare(
      'SELECT count(*) AS events FROM webhook_events WHERE dead_since IS NOT NULL',
    );
    this.#any = database.prepare(`SELECT 1 FROM webhook_events WHERE ${ALIVE} LIMIT 1`);
  }

  /** To be called in the transaction that settles the run. */
  add(run: SettledUsage): void {
    const now = this.#clock.now();
    const { userId, streamId } = run.intent;
    for (const { id, type, body, heldMs } of this.#eventsOf?.(run, now) ?? [])
      this.#insert.run(id, type, userId, streamId, body, heldMs, now, now + heldMs);
  }

  due(now: number, limit: number): readonly WebhookEvent[] {
    return this.#due.all(now, limit) as unknown as WebhookEvent[];
  }

  taken({ event }: WebhookEvent): Promise<void> {
    return this.#commit(() => this.#delete.run(event));
  }

  failed({ event }: WebhookEvent, failure: string, dueAt: number): Promise<void> {
    return this.#commit(() => this.#fail.run(failure, dueAt, event));
  }

  gaveUp({ event }: WebhookEvent, failure: string, at: number): Promise<void> {
    return this.#commit(() => this.#bury.run(failure, at, event));
  }

  dueNow(now: number): Promise<void> {
    return this.#commit(() => this.#dueNow.run({ now }));
  }

  /** After the settlement in the queue, also where a full disk has kept that from being written. */
  read(epoch: string): void {
    const now = this.#clock.now();
    void this.#commit(() => this.#read.run({ id: unreadId(epoch), now }));
  }

  forgetText(userId: string, streamId?: string): Promise<void> {
    return this.#commit(() => this.#forgetText.run({ userId, streamId: streamId ?? null }));
  }

  prune(before: number): Promise<void> {
    return this.#commit(() => this.#prune.run(before));
  }

  waiting(now: number): { readonly events: number; readonly oldest: number | null } {
    const { events, oldest } = this.#waiting.get({ now }) ?? {};
    return { events: Number(events), oldest: typeof oldest === 'number' ? oldest : null };
  }

  get dead(): number {
    return Number(this.#dead.get()?.['events']);
  }

  get isEmpty(): boolean {
    return this.#any.get() === undefined;
  }

  /** A store that refuses is waited for: what is written here is known to be true, and would be forgotten otherwise. */
  async #commit(statement: () => void): Promise<void> {
    await committed(this.#write, statement);
  }
}
