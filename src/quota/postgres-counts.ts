/** The counters that several relays share: the functions of migrations/*quota.sql as calls. Retries nothing, decides nothing. */
import type { RunStatement } from '../postgres/pool.ts';
import type { Charge, Counter, Standing } from './charges.ts';
import type { ChargedRun } from './delivery-queue.ts';

export interface SharedVerdict {
  readonly taken: boolean;
  /** The charged counters as they stood before. */
  readonly standings: readonly Standing[];
}

/** No prepared names: a pooler in transaction mode may give each statement another connection. */
const RESERVE = 'SELECT * FROM dash_relay.quota_reserve($1, $2, $3, $4, $5, $6, $7)';
const SETTLE = 'SELECT dash_relay.quota_settle($1, $2, $3, $4, $5)';
const SETTLE_ALL = 'SELECT dash_relay.quota_settle_all($1, $2)';
const CORRECT = 'SELECT dash_relay.quota_correct($1, $2, $3, $4)';
const EXPIRE = 'SELECT dash_relay.quota_expire() AS expired';
const FORGET = 'SELECT dash_relay.quota_forget(to_timestamp($1 / 1000.0))';
const UNSETTLED = "SELECT epoch FROM dash_relay.quota_runs WHERE owner = $1 AND state <> 'settled'";
const STANDINGS = `
  SELECT coalesce(c.used, 0) AS used, coalesce(c.reserved, 0) AS reserved
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (key, period, place)
  LEFT JOIN dash_relay.quota_counters AS c ON c.key = w.key AND c.period = w.period
  ORDER BY w.place`;

/** Runs settled at the same time, where each is a statement of its own. */
const SETTLED_APART = 3;

export class PostgresCounts {
  readonly #query: RunStatement;
  readonly #owner: string;
  readonly #leaseMs: number;
  /** Whether this database takes many settlements at once, as far as is known. */
  #settlesTogether = true;

  /**
   * @param owner names the data directory of this relay, for good
   * @param leaseMs longer than any run: after it a reservation is charged in full
   */
  constructor(query: RunStatement, owner: string, leaseMs: number) {
    this.#query = query;
    this.#owner = owner;
    this.#leaseMs = leaseMs;
  }

  /** Opens connections: handshakes are not what the first starts are to wait for. */
  async warm(): Promise<void> {
    await this.#query('SELECT 1', []);
  }

  /** @param enforced false: beyond every limit, for a run that is live already */
  async reserve(epoch: string, charges: readonly Charge[], enforced: boolean): Promise<SharedVerdict> {
    const limits = charges.map(({ counter }) => (enforced ? counter.limit : null));
    const [row] = await this.#rows<{ taken: boolean; used_before: string[]; reserved_before: string[] }>(
      RESERVE,
      [epoch, this.#owner, ...columnsOf(charges), limits, this.#leaseMs],
    );
    if (row === undefined) throw new Error('quota_reserve answered nothing');
    const standings = row.used_before.map((used, place) => ({
      used: Number(used),
      reserved: Number(row.reserved_before[place]),
    }));
    return { taken: row.taken, standings };
  }

  /**
   * What they did cost, no run twice, as many as go at once. Idempotent. Without charges it gives a reservation back.
   * @returns the rest
   */
  async settle(runs: readonly ChargedRun[]): Promise<readonly ChargedRun[]> {
    if (this.#settlesTogether) this.#settlesTogether = await this.#settleTogether(runs);
    if (this.#settlesTogether) return [];
    const settled = runs
      .slice(0, SETTLED_APART)
      .map(([epoch, cost]) => this.#query(SETTLE, [epoch, this.#owner, ...columnsOf(cost)]));
    await Promise.all(settled);
    return runs.slice(SETTLED_APART);
  }

  /**
   * Idempotent: puts the charges in the place of what a live run holds, whatever the limits are.
   * @returns false where this database cannot, as it was not migrated
   */
  async correct(epoch: string, charges: readonly Charge[]): Promise<boolean> {
    return await this.#ran(CORRECT, [epoch, ...columnsOf(charges)]);
  }

  async standings(counters: readonly Counter[]): Promise<Standing[]> {
    const values = [counters.map(({ key }) => key), counters.map(({ period }) => period.name)];
    const rows = await this.#rows<{ used: string; reserved: string }>(STANDINGS, values);
    return rows.map(({ used, reserved }) => ({ used: Number(used), reserved: Number(reserved) }));
  }

  /** Runs of this relay, of this process or one before it, that are not settled here. */
  async unsettled(): Promise<string[]> {
    return (await this.#rows<{ epoch: string }>(UNSETTLED, [this.#owner])).map(({ epoch }) => epoch);
  }

  /** Charges one run whose lease ended, whoever ran it. False: there was none. */
  async expire(): Promise<boolean> {
    return (await this.#rows<{ expired: boolean }>(EXPIRE, [])).some(({ expired }) => expired);
  }

  /** Forgets what is old by Postgres's clock and by this one. @param now Unix ms */
  async forget(now: number): Promise<void> {
    await this.#query(FORGET, [now]);
  }

  /** False where this database cannot, likewise. */
  async #settleTogether(runs: readonly ChargedRun[]): Promise<boolean> {
    const sent = runs.map(([epoch, cost]) => {
      const [keys, periods, amounts] = columnsOf(cost);
      return { epoch, keys, periods, amounts };
    });
    return await this.#ran(SETTLE_ALL, [this.#owner, JSON.stringify(sent)]);
  }

  /** False where the function that is called is not there. */
  async #ran(text: string, values: readonly unknown[]): Promise<boolean> {
    try {
      await this.#query(text, values);
      return true;
    } catch (cause) {
      if (!isAbsent(cause)) throw cause;
      return false;
    }
  }

  async #rows<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const { rows } = await this.#query(text, values);
    return rows as readonly Row[];
  }
}

/** The function is not there, or not for us. */
const ABSENT: ReadonlySet<unknown> = new Set(['42883', '42501']);

function isAbsent(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && ABSENT.has(cause.code);
}

function columnsOf(charges: readonly Charge[]): [string[], string[], number[]] {
  return [
    charges.map(({ counter }) => counter.key),
    charges.map(({ counter }) => counter.period.name),
    charges.map(({ amount }) => amount),
  ];
}
