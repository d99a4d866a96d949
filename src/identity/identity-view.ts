/**
 * The view that the operator names (IDENTITY_VIEW): its statements, and in words what is wrong with it. It has the columns
 * user_id, tier and organization_id, and at most one row for each user.
 */
import { isLabel, type LabelFault, labelFault } from '../auth/label.ts';
import type { Identity } from '../auth/port.ts';
import { failureKind, failureReason } from '../postgres/failure.ts';
import type { RunStatement } from '../postgres/pool.ts';

/** The view cannot be read until the operator has done what the message says. */
export class IdentityViewFault extends Error {
  override readonly name = 'IdentityViewFault';
}

/** What only the operator can mend; users are served all the same. */
export type ViewNotice =
  /** It has no row that the relay may see. */
  | { readonly kind: 'empty' }
  /** The first by organisation counts. */
  | { readonly kind: 'several_rows' }
  /** No label: its users count as having none. */
  | { readonly kind: 'unusable'; readonly column: 'tier' | 'organization_id'; readonly why: LabelFault }
  /** The row of a user cannot be read: the token's claims count. */
  | { readonly kind: 'unreadable'; readonly reason: string };

const COLUMNS = ['user_id', 'tier', 'organization_id'] as const;
/** Of nobody: with it the statement is tried. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
const COLUMNS_OF = `
  SELECT attname AS name FROM pg_catalog.pg_attribute
  WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 AND NOT attisdropped`;

interface Row {
  readonly user_id: string;
  readonly tier: string | null;
  readonly organization_id: string | null;
}

export class IdentityView {
  readonly #name: string;
  readonly #quoted: string;
  readonly #query: RunStatement;
  readonly #onNotice: (notice: ViewNotice) => void;

  /** @param name as the catalog has it, with its schema or without */
  constructor(name: string, query: RunStatement, onNotice: (notice: ViewNotice) => void) {
    this.#name = name;
    this.#quoted = name
      .split('.')
      .map((part) => `"${part}"`)
      .join('.');
    this.#query = query;
    this.#onNotice = onNotice;
  }

  /** @throws IdentityViewFault where it cannot be read as it is; else what the connection failed with */
  async check(): Promise<void> {
    try {
      const { rows } = await this.#query(COLUMNS_OF, [this.#quoted]);
      this.#requireColumns(rows.map((row) => (row as { readonly name: string }).name));
      await this.#rows([NOBODY]);
    } catch (cause) {
      throw this.#explain(cause);
    }
  }

  /** Tells where it has none. A view with an order of its own is read whole for that. */
  async checkRows(): Promise<void> {
    const { rows } = await this.#query(`SELECT FROM ${this.#quoted} LIMIT 1`, []);
    if (rows.length === 0) this.#onNotice({ kind: 'empty' });
  }

  /** Those of these users that have a row. @throws as `check` */
  async read(userIds: readonly string[]): Promise<ReadonlyMap<string, Identity>> {
    const found = new Map<string, Identity>();
    for (const { user_id, tier, organization_id } of await this.#rowsOrFault(userIds)) {
      const userId = user_id.toLowerCase();
      if (found.has(userId)) this.#onNotice({ kind: 'several_rows' });
      else
        found.set(userId, {
          tier: this.#label('tier', tier),
          organizationId: this.#label('organization_id', organization_id),
        });
    }
    return found;
  }

  async #rowsOrFault(userIds: readonly string[]): Promise<readonly Row[]> {
    try {
      return await this.#rows(userIds);
    } catch (cause) {
      throw failureKind(cause) === 'schema' ? this.#explain(cause) : cause;
    }
  }

  /** The type of user_id gives that of the list, so that an index on it is used. Longer values are no labels anyway. */
  async #rows(userIds: readonly string[]): Promise<readonly Row[]> {
    const { rows } = await this.#query(
      `SELECT user_id::text AS user_id, left(tier::text, 129) AS tier, left(organization_id::text, 129) AS organization_id
       FROM ${this.#quoted} WHERE user_id = ANY($1) ORDER BY organization_id, tier`,
      [userIds],
    );
    return rows as readonly Row[];
  }

  /** An empty text is how some tables say null. */
  #label(column: 'tier' | 'organization_id', value: string | null): string | null {
    if (value === null || value === '' || isLabel(value)) return value || null;
    this.#onNotice({ kind: 'unusable', column, why: labelFault(value) });
    return null;
  }

  #requireColumns(names: readonly string[]): void {
    if (names.length === 0) throw this.#absent();
    const missing = COLUMNS.filter((column) => !names.includes(column));
    if (missing.length > 0)
      throw new IdentityViewFault(
        `${this.#name} must have the columns ${COLUMNS.join(', ')}: there is no ${missing.join(' and no ')}`,
      );
  }

  #absent(): IdentityViewFault {
    return new IdentityViewFault(
      `there is no view ${this.#name} that the user of DATABASE_URL may see; create it (\`npm run migrate -- --with identity\` makes dash_relay.identity), and grant USAGE on its schema`,
    );
  }

  #explain(cause: unknown): unknown {
    if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') return cause;
    const { code } = cause;
    if (code === '42501')
      return new IdentityViewFault(
        `${this.#name} may not be read by the user of DATABASE_URL; as its owner: GRANT USAGE on its schema, and GRANT SELECT ON ${this.#name} TO dash_relay_writer`,
      );
    if (code === '42P01' || code === '3F000') return this.#absent();
    // Classes 42 and 22: the statement does not go with the columns.
    if (/^(42|22)...$/.test(code))
      return new IdentityViewFault(
        `${this.#name} cannot be read: ${failureReason(cause)}; user_id must be a uuid or text, the others text or what becomes text`,
      );
    return cause;
  }
}
