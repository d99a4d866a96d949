/**
 * Whether the app's table takes runs of every kind: they are copied by way of trial and taken back. It finds what no
 * catalog tells: checks, triggers, the function that counts. Rows of other tables that a foreign key asks for are not made
 * up, so those are not tried.
 */
import type { RunStatement } from '../postgres/pool.ts';
import { describeRefusal } from './copying.ts';
import type { MirrorDefinition } from './definition.ts';

const FOREIGN_KEY = '23503';
const OTHER_ACTION = 'another_action';

/** How runs end; each is tried with and without an organisation. */
const ENDINGS = [
  { status: 'done', code: null },
  { status: 'cancelled', code: null },
  { status: 'error', code: 'upstream_rate_limited' },
  { status: 'error', code: 'interrupted' },
] as const;

const RUN = `
  INSERT INTO dash_relay.usage (epoch, stream_id, user_id, organization_id, action, model, served_model, status, code, source,
    input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, cost_usd, output_cost_usd,
    price_version, first_token_ms, total_ms, request_id, instance, started_at, ended_at)
  VALUES ($1, 'trial', gen_random_uuid(), $2, $3, 'claude-sonnet-5-5', NULL, $4, $5, 'final',
    1, 1, 0, 0, 0, 0.001, 0.001, 'trial', NULL, 1, NULL, 'trial', now(), now())`;
const ATTEMPT = `
  SELECT at_sqlstate AS sqlstate, nullif(at_column, '') AS column, nullif(at_constraint, '') AS constraint
  FROM dash_relay.mirror_attempt($1)`;

interface Outcome {
  /** Null: it was copied. */
  readonly sqlstate: string | null;
  readonly column: string | null;
  readonly constraint: string | null;
}

/**
 * A sentence for each way in which runs are refused.
 * @param query of a connection whose transaction is open, with the mirror in it; all of it is taken back
 */
export async function tryRuns(query: RunStatement, definition: MirrorDefinition): Promise<string[]> {
  await query('SAVEPOINT trial', []);
  // A mirror that leaves simulated runs out, and constraints of the end of a transaction.
  await query('SET CONSTRAINTS ALL IMMEDIATE', []);
  const byCause = new Map<string, string[]>();
  for (const [number, run] of trialRuns(definition).entries()) {
    // As long as any.
    const epoch = `trial-${String(number).padStart(10, '0')}`;
    await query(RUN, [epoch, run.organization, run.action, run.status, run.code]);
    const [outcome] = (await query(ATTEMPT, [epoch])).rows as Outcome[];
    const { sqlstate = null, column = null, constraint = null } = outcome ?? {};
    if (sqlstate === null || sqlstate === FOREIGN_KEY) continue;
    const cause = describeRefusal({ sqlstate, column, constraint });
    byCause.set(cause, [...(byCause.get(cause) ?? []), run.what]);
  }
  await query('ROLLBACK TO SAVEPOINT trial', []);
  return [...byCause].map(
    ([cause, runs]) =>
      `${definition.table} refuses runs (${cause}), tried with: ${listed(runs)}; change the mapping of what it is about, or the table`,
  );
}

function trialRuns({ columns }: MirrorDefinition) {
  const words = Object.values(columns).flatMap((source) =>
    'field' in source && source.field === 'action' && 'map' in source ? Object.keys(source.map ?? {}) : [],
  );
  const organizations = [
    { organization: null, of: 'without organisation' },
    { organization: '00000000-0000-4000-8000-000000000000', of: 'with organisation' },
  ];
  const actions = [...new Set(['chat', ...words, OTHER_ACTION])];
  const byAction = actions.map((action) => ({ action, ...ENDINGS[0] }));
  const byEnding = ENDINGS.slice(1).map((ending) => ({ action: 'chat', ...ending }));
  return [...byAction, ...byEnding].flatMap((run) =>
    organizations.map(({ organization, of }) => ({
      ...run,
      organization,
      what: [run.action, run.status, ...(run.code === null ? [] : [run.code]), of].join(' '),
    })),
  );
}

/** The first three. */
function listed(runs: readonly string[]): string {
  const more = runs.length - 3;
  return `${runs.slice(0, 3).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
