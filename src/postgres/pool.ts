/**
 * Connections to Postgres that a pooler, a restart or a silent network cannot turn into a hang or a crash. Owns how many
 * there are. Does not own what a failed statement means: that is its caller's.
 *
 * It makes do with what it gets: where a server or a pooler gives fewer connections than asked for, statements wait for
 * those that are there. pg-pool opens a connection for a statement that finds none free, and whether it is refused or
 * hangs is then that statement's fate. So the pool may have no more than are open already, and one more is opened beside.
 *
 *   statement ─► a free connection ─► answer
 *                  └─ none: waits, while one more is opened and asked `SELECT 1` beside it
 */
import pLimit from 'p-limit';
import pg from 'pg';

/** @throws Error of the driver, of Postgres, or of the time it may take: no connection, then no answer, in TIMEOUT_MS each */
export type RunStatement = (
  text: string,
  values: readonly unknown[],
) => Promise<{ readonly rows: readonly unknown[] }>;

export interface PostgresPool {
  /** One statement on any connection. Must be safe to repeat: it is sent again where its connection was closed meanwhile. */
  readonly query: RunStatement;
  /** The same for what nobody waits for: it leaves one connection of several to `query`. */
  readonly queryInBackground: RunStatement;
  /** Waits a second for what is under way. */
  close(): Promise<void>;
}

/** To get a connection, and for each statement. */
export const TIMEOUT_MS = 5000;
/** How long a refused connection is not asked for again while there are others. */
const GROW_AGAIN_MS = 30_000;
const CLOSE_WITHIN_MS = 1000;

/** Fewer connections are to be had than `max`; told once. */
export type OnScarce = (event: { readonly connections: number; readonly wanted: number }) => void;

/**
 * Opens nothing yet: connections come with the statements that need them, and stay. Nothing is sent that a pooler in
 * transaction mode would lose or mix up: no SET, no start-up options, no named statements.
 * @param connectionString TLS as its sslmode and sslrootcert say
 * @param max connections at most
 */
export function openPostgresPool(connectionString: string, max: number, onScarce: OnScarce): PostgresPool {
  const connections = new Connections(connectionString, max, onScarce);
  return {
    query: (text, values) => connections.run(text, values),
    queryInBackground: (text, values) => connections.runInBackground(text, values),
    close: () => connections.close(),
  };
}

class Connections {
  readonly #pool: pg.Pool;
  readonly #max: number;
  readonly #onScarce: OnScarce;
  /** Those that answered. */
  readonly #open = new Set<pg.ClientBase>();
  readonly #background = pLimit(1);
  readonly #underway = new Set<Promise<unknown>>();
  #growing = false;
  #growAgainAt = 0;
  #told = false;

  constructor(connectionString: string, max: number, onScarce: OnScarce) {
    this.#max = max;
    this.#onScarce = onScarce;
    this.#pool = new pg.Pool({
      connectionString,
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      keepAlive: true,
      idleTimeoutMillis: 0,
      // A pooler may take a connection that it has no server for.
      onConnect: (client) => client.query('SELECT 1'),
    });
    this.#pool.on('connect', (client) => this.#opened(client));
    // Of several that come at once, the last free one may leave some waiting.
    this.#pool.on('acquire', () => void this.#grow());
    this.#pool.on('remove', (client) => this.#lost(client));
    // One that breaks while nobody uses it is replaced when it is needed.
    this.#pool.on('error', (_, client) => this.#lost(client));
    this.#fit();
  }

  run(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    const answer = this.#run(text, values);
    const settled = answer.then(
      () => {},
      () => {},
    );
    this.#underway.add(settled);
    void settled.then(() => this.#underway.delete(settled));
    return answer;
  }

  runInBackground(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    return this.#background(() => this.run(text, values));
  }

  async close(): Promise<void> {
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const deadline = setTimeout(giveUp, CLOSE_WITHIN_MS);
    await Promise.race([Promise.all(this.#underway), late]);
    await Promise.race([this.#pool.end(), late]);
    clearTimeout(deadline);
  }

  async #run(text: string, values: readonly unknown[]): Promise<pg.QueryResult> {
    // Each of the connections, and the one that replaces it, may have been closed meanwhile.
    for (let repeats = this.#max; ; repeats -= 1) {
      let client: pg.PoolClient | undefined;
      try {
        client = await this.#take();
        const answer = await client.query(text, [...values]);
        client.release();
        return answer;
      } catch (cause) {
        const closed = client === undefined ? wasEnded(cause) : this.#failed(client, cause);
        if (!closed || repeats === 0) throw cause;
      }
    }
  }

  /** Whether the connection was closed: another one may do. */
  #failed(client: pg.PoolClient, cause: unknown): boolean {
    const isBroken = !isOfTheStatement(cause);
    if (isBroken) this.#lost(client);
    client.release(isBroken);
    return isBroken && !isSilence(cause);
  }

  #take(): Promise<pg.PoolClient> {
    const taken = this.#pool.connect();
    void this.#grow();
    return taken;
  }

  #opened(client: pg.PoolClient): void {
    // What breaks it under a statement is told by the statement.
    client.on('error', () => {});
    this.#open.add(client);
    this.#fit();
  }

  #lost(client: pg.ClientBase): void {
    this.#open.delete(client);
    this.#fit();
  }

  /** With none open a statement opens its own, and hears why there is none. */
  #fit(): void {
    this.#pool.options.max = Math.max(1, this.#open.size);
    this.#background.concurrency = Math.max(1, this.#open.size - 1);
  }

  /** Opens more beside those who wait: they may be served before, and it may be refused. */
  async #grow(): Promise<void> {
    if (this.#growing) return;
    this.#growing = true;
    while (this.#wantsMore()) {
      this.#pool.options.max += 1;
      const opening = this.#pool.connect();
      this.#fit();
      await opening.then(
        (client) => client.release(),
        (cause: unknown) => this.#refused(cause),
      );
    }
    this.#growing = false;
  }

  #wantsMore(): boolean {
    const { waitingCount, idleCount, ending } = this.#pool;
    if (ending || waitingCount === 0 || idleCount > 0) return false;
    return this.#open.size > 0 && this.#open.size < this.#max && performance.now() >= this.#growAgainAt;
  }

  #refused(cause: unknown): void {
    if (this.#open.size === 0) return;
    this.#growAgainAt = performance.now() + GROW_AGAIN_MS;
    if (this.#told || !isScarcity(cause)) return;
    this.#told = true;
    this.#onScarce({ connections: this.#open.size, wanted: this.#max });
  }
}

/** The connection answered, and is as good as before. */
function isOfTheStatement(cause: unknown): boolean {
  return cause instanceof pg.DatabaseError && cause.severity === 'ERROR';
}

function isSilence(cause: unknown): boolean {
  return cause instanceof Error && cause.message === 'Query read timeout';
}

/** By an administrator, or by the time it may be idle: also while it is being opened. */
function wasEnded(cause: unknown): boolean {
  return cause instanceof pg.DatabaseError && (cause.code === '57P01' || cause.code === '57P05');
}

/** Whether a refusal says how many connections there are. Class 57: Postgres starts, stops, or ended this one. */
function isScarcity(cause: unknown): boolean {
  return cause instanceof pg.DatabaseError ? cause.code?.startsWith('57') !== true : isSilence(cause);
}
