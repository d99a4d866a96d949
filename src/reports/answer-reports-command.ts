/** `dash-relay reports`: what people reported of answers, of Postgres where its owner is named, and of what is still on this disk. */
import { DatabaseSync } from 'node:sqlite';
import { instantOf } from '../command-line/dates.ts';
import { endWithReader, printLine, subcommand } from '../command-line/subcommand.ts';
import { withoutControls } from '../command-line/without-controls.ts';
import type { StoredReport } from '../ledger/answer-reports.ts';
import { ledgerDirectories } from '../ledger/ledger-directories.ts';
import { ledgerFile, SCHEMA_VERSION, schemaVersion } from '../ledger/schema.ts';
import { asOwner } from '../postgres/owner.ts';

const HELP = `Usage: dash-relay reports [options]

Lists what people reported of answers, the latest last: those of Postgres, as the owner that DATABASE_MIGRATION_URL names, and those in
the ledgers of DATA_DIR (default ./.data) that have not left for it. Without Postgres they all are there.

  --from <time>   reported at or after this time: 2026-11-22 or 2026-11-22T08:00:00Z
  --words         with the words of answers and people, where they sent them
  --json          one JSON object a line, instead of columns
  --help          this text
`;

const OPTIONS = { from: { type: 'string' }, words: { type: 'boolean' }, json: { type: 'boolean' } } as const;

const COLUMNS = `user_id AS "userId", organization_id AS "organizationId", id, stream_id AS "streamId", epoch, category, answer, note`;
const LOCAL = `SELECT ${COLUMNS}, reported_at AS "reportedAt" FROM answer_reports WHERE reported_at >= ?`;
const SHARED = `
  SELECT ${COLUMNS}, floor(extract(epoch FROM reported_at) * 1000)::double precision AS "reportedAt"
  FROM dash_relay.reports WHERE reported_at >= to_timestamp($1::double precision / 1000)`;
const BUSY_MS = 2000;

export const answerReports = subcommand({
  help: HELP,
  options: OPTIONS,
  async run({ values: { from, words, json } }) {
    endWithReader();
    const since = from === undefined ? 0 : instantOf('--from', from);
    const reports = byTime([...(await sharedReports(since)), ...localReports(since)]);
    for (const report of reports) {
      const shown = words ? report : { ...report, answer: null, note: null };
      printLine(json ? jsonOf(shown) : lineOf(shown, hasWords(report)));
    }
    if (reports.length === 0 && !json) printLine('Nothing was reported.');
    return 0;
  },
});

async function sharedReports(since: number): Promise<readonly StoredReport[]> {
  const { DATABASE_MIGRATION_URL: url = '' } = process.env;
  if (url.trim() === '') return [];
  return await asOwner(url, async (query) => (await query(SHARED, [since])).rows as StoredReport[]);
}

function localReports(since: number): readonly StoredReport[] {
  return ledgerDirectories(process.env['DATA_DIR'] || './.data').flatMap((directory) => {
    const database = new DatabaseSync(ledgerFile(directory), { readOnly: true, timeout: BUSY_MS });
    try {
      // One of an older release has none: the relay makes the table when it starts.
      if (schemaVersion(database) < SCHEMA_VERSION) return [];
      return database.prepare(LOCAL).all(since) as unknown as StoredReport[];
    } finally {
      database.close();
    }
  });
}

/** One that is leaving may be in both places. */
function byTime(reports: readonly StoredReport[]): readonly StoredReport[] {
  const each = new Map(reports.map((report) => [`${report.userId} ${report.id}`, report]));
  return [...each.values()].sort((a, b) => a.reportedAt - b.reportedAt);
}

function jsonOf({ reportedAt, ...report }: StoredReport): string {
  return JSON.stringify({ reportedAt: new Date(reportedAt).toISOString(), ...report });
}

function hasWords({ answer, note }: StoredReport): boolean {
  return answer !== null || note !== null;
}

/** `hasMore`: words that are not to be shown. */
function lineOf(report: StoredReport, hasMore: boolean): string {
  const { reportedAt, category, userId, organizationId, streamId, epoch, answer, note } = report;
  const ids = `user ${userId}  organization ${organizationId ?? '-'}  stream ${streamId}  epoch ${epoch ?? '-'}`;
  const lines = [`${new Date(reportedAt).toISOString()}  ${category.padEnd(7)}  ${ids}`];
  if (note !== null) lines.push(`  they say: ${onOneLine(note)}`);
  if (answer !== null) lines.push(`  the answer: ${onOneLine(answer)}`);
  if (lines.length === 1 && hasMore) lines.push('  with words: --words shows them');
  return lines.join('\n');
}

function onOneLine(text: string): string {
  return withoutControls(text.replaceAll(/\s+/g, ' '));
}
