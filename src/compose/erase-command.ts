/**
 * `dash-relay erase`: makes runs in the ledgers of DATA_DIR nobody's, while the relay runs or after it has stopped, and deletes what
 * a user sent ahead of questions.
 */
import { instantOf } from '../command-line/dates.ts';
import { CommandLineError, printLine, subcommand, type Words } from '../command-line/subcommand.ts';
import { type ErasedRuns, eraseRuns, type RunsToErase } from '../ledger/erasure.ts';
import { ledgerDirectories } from '../ledger/ledger-directories.ts';
import { eraseAnswersInPostgres } from './erase-answers.ts';
import { eraseUploads } from './erase-uploads.ts';
import { userIdOf } from './user-id.ts';

const HELP = `Usage: dash-relay erase [options]

Makes runs in the ledgers of DATA_DIR (default ./.data) nobody's, while the relay runs or after it has stopped: the ids of user,
stream and request go; action, organisation, counts and costs stay, so that sums do. Reports of answers are deleted, and answers
that are kept, those that are being written too. With --user alone so are the user's kept answers in Postgres (DATABASE_URL), and
what that user has sent ahead of a question and lies in UPLOADS_DIR or in Redis (REDIS_URL); what lies in the memory of a relay
ends by itself (UPLOAD_TTL_MS). It cannot be taken back.
Rows in Postgres are left, where \`SELECT dash_relay.erase_user('<id>')\` does the same, as the owner: do that first.

  --user <id>      runs of this user, with what counts for their quotas
  --before <time>  runs started before this time: 2026-11-22 or 2026-11-22T08:00:00Z
  --help           this text

With both, runs of this user from before that time. Exits with 1 where runs are left because they have not ended.
`;

const OPTIONS = { user: { type: 'string' }, before: { type: 'string' } } as const;

function readRuns({ user, before }: Words<typeof OPTIONS>['values']): RunsToErase {
  if (user === undefined && before === undefined)
    throw new CommandLineError('Whose runs? Say --user or --before.');
  return {
    userId: user === undefined ? null : userIdOf(user),
    before: before === undefined ? Number.MAX_SAFE_INTEGER : instantOf('--before', before),
  };
}

export const erase = subcommand({
  help: HELP,
  options: OPTIONS,
  async run({ values }) {
    const runs = readRuns(values);
    const dataDir = process.env['DATA_DIR'] || './.data';
    const directories = ledgerDirectories(dataDir);
    if (directories.length === 0)
      throw new Error(`${dataDir} holds no ledger. Set DATA_DIR to name another place.`);
    const { erased, running } = directories.map((directory) => eraseRuns(directory, runs)).reduce(sumOf);
    printLine(`${countOf(erased)} of ${dataDir} made nobody's.`);
    if (running > 0) printLine(`${countOf(running)} left: not ended yet. Erase again when they have.`);
    if (runs.userId !== null && values.before === undefined) {
      await eraseAndTellAnswers(runs.userId);
      await eraseAndTellUploads(runs.userId);
    }
    return running === 0 ? 0 : 1;
  },
});

/** Nothing without DATABASE_URL. @throws Error saying why Postgres could not be asked */
async function eraseAndTellAnswers(userId: string): Promise<void> {
  const answers = await eraseAnswersInPostgres(userId);
  if (answers === undefined) return;
  printLine(`${answers} kept ${answers === 1 ? 'answer' : 'answers'} of Postgres deleted.`);
}

/** Nothing, where they lie in no place that outlives a relay. @throws Error saying why Redis could not be asked */
async function eraseAndTellUploads(userId: string): Promise<void> {
  const deleted = await eraseUploads(userId);
  if (deleted === undefined) return;
  printLine(`${deleted.files} ${deleted.files === 1 ? 'upload' : 'uploads'} of ${deleted.place} deleted.`);
}

function sumOf(a: ErasedRuns, b: ErasedRuns): ErasedRuns {
  return { erased: a.erased + b.erased, running: a.running + b.running };
}

function countOf(runs: number): string {
  return runs === 1 ? '1 run' : `${runs} runs`;
}
