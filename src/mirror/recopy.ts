/** Brings what is missing in the app's table, each run once, as the owner of the database. */
import type { RunStatement } from '../postgres/pool.ts';
import { BATCH, copyRuns } from './copying.ts';
import type { MirrorDefinition } from './definition.ts';
import { describeTable } from './table.ts';

export interface Recopied {
  readonly copied: number;
  readonly waiting: number;
  readonly failed: number;
  /** Whether the app's table itself was read: a column of it has the epoch, or the metadata. */
  readonly compared: boolean;
}

const RETRY = `UPDATE dash_relay.mirror_rows SET state = 'waiting', next_at = now() WHERE state <> 'copied'`;
const NOTE = `
  INSERT INTO dash_relay.mirror_rows (epoch)
  SELECT u.epoch FROM dash_relay.usage AS u WHERE u.started_at >= $1 AND dash_relay.mirror_wants(u)
  ON CONFLICT DO NOTHING`;

/**
 * Copies all runs that wait or failed, and those that started since `from` and are not in the app's table.
 * @param from undefined: only those that wait or failed
 * @throws Error of Postgres
 */
export async function recopy(
  query: RunStatement,
  definition: MirrorDefinition,
  from: Date | undefined,
): Promise<Recopied> {
  const key = await keyOf(query, definition);
  await query('BEGIN', []);
  // A relay that copies meanwhile would make what is read untrue.
  await query(`SELECT pg_advisory_xact_lock(hashtext('dash_relay.mirror'))`, []);
  if (from !== undefined) {
    if (key !== undefined)
      for (const statement of comparison(definition.table, key)) await query(statement, [from]);
    await query(NOTE, [from]);
  }
  await query(RETRY, []);
  await query('COMMIT', []);
  return { ...(await copyAll(query)), compared: key !== undefined };
}

async function copyAll(query: RunStatement): Promise<Omit<Recopied, 'compared'>> {
  let copied = 0;
  for (;;) {
    const answer = await copyRuns(query, BATCH);
    copied += answer?.copied ?? 0;
    if (answer === undefined || answer.taken === 0)
      return { copied, waiting: answer?.waiting ?? 0, failed: answer?.failed ?? 0 };
  }
}

/** Where the app's table `a` has a run's epoch. Undefined: nowhere. */
async function keyOf(query: RunStatement, definition: MirrorDefinition): Promise<string | undefined> {
  const table = await describeTable(query, definition.table);
  const holds = (field: string) =>
    table?.columns.find(({ name }) => {
      const source = definition.columns[name];
      return source !== undefined && 'field' in source && source.field === field && !('map' in source);
    });
  const epoch = holds('epoch');
  if (epoch !== undefined) return `a."${epoch.name}"::text`;
  const metadata = holds('metadata');
  return metadata && `a."${metadata.name}"::jsonb ->> 'epoch'`;
}

/** What is there was copied, whoever did it; what is not there any more was not. */
function comparison(table: string, key: string): string[] {
  const app = `"${table.replace('.', '"."')}"`;
  return [
    `INSERT INTO dash_relay.mirror_rows (epoch, state)
     SELECT u.epoch, 'copied' FROM dash_relay.usage AS u
     WHERE u.started_at >= $1 AND EXISTS (SELECT FROM ${app} AS a WHERE ${key} = u.epoch)
     ON CONFLICT (epoch) DO UPDATE SET state = 'copied', sqlstate = NULL, at_column = NULL, at_constraint = NULL`,
    `UPDATE dash_relay.mirror_rows AS r SET state = 'waiting', next_at = now()
     FROM dash_relay.usage AS u
     WHERE u.epoch = r.epoch AND r.state = 'copied' AND u.started_at >= $1 AND dash_relay.mirror_wants(u)
       AND NOT EXISTS (SELECT FROM ${app} AS a WHERE ${key} = u.epoch)`,
  ];
}
