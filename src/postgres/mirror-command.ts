/** `dash-relay mirror`: how it stands with the runs that are copied into the app's table, and brings what is missing. */
import { dayOf } from '../command-line/dates.ts';
import { CommandLineError, printLine, subcommand } from '../command-line/subcommand.ts';
import { checkTable } from '../mirror/check.ts';
import { checkInstalled } from '../mirror/check-installed.ts';
import { describeRefusal, type Refusals } from '../mirror/copying.ts';
import { loadMirror } from '../mirror/definition.ts';
import { type InstalledMirror, installation, installedMirror } from '../mirror/install.ts';
import { type Recopied, recopy } from '../mirror/recopy.ts';
import { asOwner, MigrationError, ownersUrl } from './owner.ts';
import type { RunStatement } from './pool.ts';

const HELP = `Usage: dash-relay mirror [options]

Says which runs are in the app's table, which are not and why, and what is wrong with that table, as the owner that
DATABASE_MIGRATION_URL names. \`dash-relay migrate\` with MIRROR_FILE makes a mirror.

  --recopy           copies the runs that wait or were refused, at once
  --from <date>      with --recopy: and those since that day, UTC, that are not in the app's table: 2026-11-22
  --sql              instead: prints the mirror of MIRROR_FILE as SQL, for a migration of the app
  --help             this text
`;

/** It ends with 1 where runs are missing, too. */
export const mirrorCommand = subcommand({
  help: HELP,
  options: { recopy: { type: 'boolean' }, from: { type: 'string' }, sql: { type: 'boolean' } },
  async run({ values: options }) {
    if (options.from !== undefined && !options.recopy)
      throw new CommandLineError('--from says since when --recopy copies: give both');
    const from = options.from === undefined ? undefined : new Date(dayOf('--from', options.from));
    return await asOwner(ownersUrl(), async (query) => {
      if (options.sql) return await printSql(query);
      const mirror = await installedMirror(query);
      if (mirror === undefined)
        throw new MigrationError(
          'there is no mirror: run `dash-relay migrate` with MIRROR_FILE, or with --with ai_usage_logs',
        );
      if (options.recopy) printRecopied(await recopy(query, mirror.definition, from), from !== undefined);
      return await printState(query, mirror);
    });
  },
});

async function printSql(query: RunStatement): Promise<number> {
  const definition = loadMirror(mirrorFile());
  const { table, problems } = await checkTable(query, definition);
  for (const problem of problems) process.stderr.write(`mirror: ${problem}\n`);
  if (table === undefined || problems.length > 0) return 1;
  for (const statement of installation(definition, table)) printLine(`${statement};`);
  return 0;
}

function printRecopied({ copied, waiting, failed, compared }: Recopied, withMissing: boolean): void {
  printLine(`copied ${copied} runs, ${failed} are refused, ${waiting} wait`);
  if (withMissing && !compared)
    printLine(
      'No column has the epoch or the metadata: runs that were deleted from the table are not noticed.',
    );
}

const STATE = `
  SELECT state, sqlstate, at_column AS column, at_constraint AS constraint, count(*)::double precision AS rows
  FROM dash_relay.mirror_rows GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`;

async function printState(query: RunStatement, mirror: InstalledMirror): Promise<number> {
  const rows = (await query(STATE, [])).rows as (Refusals & { readonly state: string })[];
  const count = (state: string) =>
    rows.filter((row) => row.state === state).reduce((sum, row) => sum + row.rows, 0);
  printLine(
    `${mirror.definition.table}: ${count('copied')} runs copied, ${count('waiting')} wait, ${count('failed')} refused`,
  );
  const refused = rows.filter(({ state }) => state === 'failed');
  for (const refusal of refused) printLine(`refused: ${refusal.rows} by ${describeRefusal(refusal)}`);
  const file = mirrorFile();
  const problems = await checkInstalled(query, mirror, file === undefined ? undefined : loadMirror(file));
  for (const problem of problems) printLine(`mirror: ${problem}`);
  return problems.length + refused.length > 0 ? 1 : 0;
}

/** MIRROR_FILE, if it is set. */
export function mirrorFile(): string | undefined {
  const file = process.env['MIRROR_FILE']?.trim() ?? '';
  return file === '' ? undefined : file;
}
