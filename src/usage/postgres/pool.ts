/**
 * Connections to Postgres that a pooler, a restart or a silent network cannot turn into a hang or a crash. Owns how many
 * there are and who gets one next. Does not own what a failed statement means: that is its caller's.
 *
 * It makes do with what it gets: where a server or a pooler gives fewer connections than asked for, statements wait for
 * those that are there. pg-pool hands a statement the connection that is opened for it, whose refusal is then the
 * statement's; and it knows no order among those who wait.
 *
 *   statement ─► a free connection ─► answer
 *                  └─ none: waits, while one more is opened and asked `SELECT 1` beside it
 */
import pg from 'pg';

/** @throws Error of the driver, of Postgres, or of the time it may take: no connection, then no answer, in TIMEOUT_MS each */
export type RunStatement = (
  text: string,
  values: readonly unknown[],
) => Promise<{ readonly rows: readonly unknown[] }>;

export interface PostgresPool {
  /** One statement on any connection. Must be safe to repeat: it is sent again where its connection was closed meanwhile. */
  readonly query: RunStatement;
  /** The same for what nobody waits for: behind all of `query`, and never on the last free connection of several. */
  readonly queryBehind: RunStatement;
  /** Waits a second for what is under way. */
  close(): Promise<void>;
}

/** To get a connection, and for each statement. */
export const TIMEOUT_MS = 5000;
/** How long a refused connection is not asked for again while there are others. */
const GROW_AGAIN_MS = 30_000;
const CLOSE_WITHIN_MS = 1000;

interface Connection {
  readonly client: pg.Client;
  /** Whether it has lain idle or answered a statement before: a pooler may have closed it since. */
  aged: boolean;
}

interface Waiter {
  take(connection: Connection): void;
  reject(cause: unknown): void;
}

/** Fewer connections are to be had than `max`; told once. */
export type OnScarce = (event: { readonly connections: number; readonly wanted: number }) => void;

/**
 * Opens nothing yet: connections come with the first statement, and stay. Nothing is sent that a pooler in
 * transaction mode would lose or mix up: no SET, no start-up options, no named statements.
 * @param connectionString TLS as its sslmode and sslrootcert say
 * @param max connections at most
 */
export function openPostgresPool(connectionString: string, max: number, onScarce: OnScarce): PostgresPool {
  const connections = new Connections(connectionString, max, onScarce);
  return {
    query: (text, values) => connections.run(text, values, 'first'),
    queryBehind: (text, values) => connections.run(text, values, 'behind'),
    close: () => connections.close(),
  };
}

class Connections {
  readonly #connectionString: string;
  readonly #max: number;
  readonly #onScarce: OnScarce;
  /** All that have answered. */
  readonly #open = new Set<Connection>();
  readonly #free: Connection[] = [];
  readonly #waiting: Record<'first' | 'behind', Set<Waiter>> = { first: new Set(), behind: new Set() };
  readonly #underway = new Set<Promise<unknown>>();
  /** Of those that may wait. */
  #behindUnderway = 0;
  #opening = false;
  #growAgainAt = 0;
  /** Until all are open, or one was refused. */
  #filling = true;
  #told = false;
  #closed = false;

  constructor(connectionString: string, max: number, onScarce: OnScarce) {
    this.#connectionString = connectionString;
    this.#max = max;
    this.#onScarce = onScarce;
  }

  run(text: string, values: readonly unknown[], order: 'first' | 'behind') {
    const answer = this.#run(text, values, order);
    const settled = answer.then(
      () => {},
      () => {},
    );
    this.#underway.add(settled);
    void settled.then(() => this.#underway.delete(settled));
    return answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const deadline = setTimeout(giveUp, CLOSE_WITHIN_MS);
    await Promise.race([Promise.all(this.#underway), late]);
    this.#rejectWaiting(new Error('the connections are closed'));
    const ends = [...this.#open].map((connection) => this.#end(connection));
    await Promise.race([Promise.all(ends), late]);
    clearTimeout(deadline);
  }

  async #run(text: string, values: readonly unknown[], order: 'first' | 'behind') {
    for (;;) {
      const connection = await this.#take(order);
      const { aged } = connection;
      try {
        const answer = await connection.client.query(text, [...values]);
        connection.aged = true;
        return answer;
      } catch (cause) {
        if (!isOfTheStatement(cause)) void this.#end(connection);
        // A pooler may close what was idle at the very moment in which a statement comes: that is no failure.
        if (!aged || !isOfTheConnection(cause)) throw cause;
      } finally {
        if (order === 'behind') this.#behindUnderway -= 1;
        if (this.#open.has(connection)) this.#free.push(connection);
        this.#serve();
      }
    }
  }

  #take(order: 'first' | 'behind'): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    const waiting = this.#waiting[order];
    const waiter: Waiter = {
      take: (connection) => {
        if (order === 'behind') this.#behindUnderway += 1;
        resolve(connection);
      },
      reject,
    };
    const late = setTimeout(() => {
      waiting.delete(waiter);
      reject(new Error(`no connection to Postgres in ${TIMEOUT_MS} ms`));
    }, TIMEOUT_MS);
    waiting.add(waiter);
    this.#serve();
    return promise.finally(() => clearTimeout(late));
  }

  #serve(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const connection = this.#free.pop();
      if (connection === undefined) return void this.#grow();
      for (const waiting of Object.values(this.#waiting)) waiting.delete(next);
      next.take(connection);
    }
  }

  #next(): Waiter | undefined {
    const [first] = this.#waiting.first;
    if (first !== undefined) return first;
    const [behind] = this.#waiting.behind;
    return this.#behindUnderway < Math.max(1, this.#open.size - 1) ? behind : undefined;
  }

  /** Opens one more, beside those who wait: it may be refused, and they may be served before. */
  async #grow(): Promise<void> {
    if (this.#opening || this.#closed || this.#open.size >= this.#max) return;
    if (this.#open.size > 0 && performance.now() < this.#growAgainAt) return;
    this.#opening = true;
    try {
      await this.#connect();
    } catch (cause) {
      this.#refused(cause);
    } finally {
      this.#opening = false;
    }
    if (this.#open.size > 0) this.#serve();
    if (this.#open.size >= this.#max) this.#filling = false;
    if (this.#filling && this.#open.size > 0) void this.#grow();
  }

  async #connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#connectionString,
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      keepAlive: true,
    });
    const connection: Connection = { client, aged: false };
    // One that breaks while nobody uses it is replaced when it is needed.
    client.on('error', () => this.#forget(connection));
    client.on('end', () => this.#forget(connection));
    try {
      await client.connect();
      // A pooler may take a connection that it has no server for.
      await client.query('SELECT 1');
    } catch (cause) {
      // Not waited for: of a connection that failed the driver may not say when it is closed.
      void this.#end(connection);
      throw cause;
    }
    this.#open.add(connection);
    this.#free.push(connection);
    // Who waits for it takes it in this turn, or nobody did.
    setImmediate(() => {
      connection.aged = true;
    });
    if (this.#closed) void this.#end(connection);
  }

  #refused(cause: unknown): void {
    if (this.#open.size === 0) {
      this.#rejectWaiting(cause);
      return;
    }
    this.#growAgainAt = performance.now() + GROW_AGAIN_MS;
    this.#filling = false;
    if (this.#told || saysNothingOfTheirNumber(cause)) return;
    this.#told = true;
    this.#onScarce({ connections: this.#open.size, wanted: this.#max });
  }

  #rejectWaiting(cause: unknown): void {
    for (const waiting of Object.values(this.#waiting)) {
      for (const waiter of waiting) waiter.reject(cause);
      waiting.clear();
    }
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    const place = this.#free.indexOf(connection);
    if (place >= 0) this.#free.splice(place, 1);
  }

  async #end(connection: Connection): Promise<void> {
    this.#forget(connection);
    await connection.client.end().catch(() => {});
  }
}

/** Codes of: shut down, not yet started, closed by an operator, idle for too long. */
const OPERATOR_INTERVENED = '57P';
/** What the driver says where no answer came in time. */
const NO_ANSWER = 'Query read timeout';

/** The connection answered, and is as good as before. */
function isOfTheStatement(cause: unknown): boolean {
  return cause instanceof pg.DatabaseError && cause.severity === 'ERROR';
}

/** It was closed, by the server or underway: another one may do. */
function isOfTheConnection(cause: unknown): boolean {
  return !isOfTheStatement(cause) && !isSilence(cause);
}

/** Postgres was not reached, or is closing connections: that says nothing of how many it gives. */
function saysNothingOfTheirNumber(cause: unknown): boolean {
  if (cause instanceof pg.DatabaseError) return cause.code?.startsWith(OPERATOR_INTERVENED) === true;
  return !isSilence(cause);
}

function isSilence(cause: unknown): boolean {
  return cause instanceof Error && cause.message === NO_ANSWER;
}
