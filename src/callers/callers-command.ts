/** `dash-relay callers`: where an app calls its old functions, and what each place becomes. It reads, and changes nothing. */
import { CommandLineError, endWithReader, subcommand } from '../command-line/subcommand.ts';
import { loadActions } from '../config/actions.ts';
import { type Advice, adviceOn, type Verdict } from './advice.ts';
import { type Caller, findCallers } from './find-callers.ts';
import { sourceFiles } from './source-files.ts';

const HELP = `Usage: dash-relay callers <folder> [options]

Lists where the source of an app calls ai-gateway and ai-proxy, the model itself or its usage tables, and what each place
becomes (docs/migrate-from-edge-functions.md). It finds words and reads no syntax: go through the list, do not trust it.

  --actions <file>  the actions of your relay (ACTIONS_FILE); default: those that are shipped
  --json            one JSON object a line for each place
  --help            this text
`;

const MEANINGS: Readonly<Record<Verdict, string>> = {
  url: "change the address to the relay's",
  sdk: 'use the SDK, or its drop-in',
  pass: 'set LEGACY_FUNCTIONS_URL until something else does it',
  check: 'check it yourself',
  stays: 'leave it',
  remove: 'take it out: the relay does it',
  mirror: 'have the mirror write what it reads',
  key: 'take it out: the key, the limits and the bill are the relay’s',
};

interface Place extends Caller, Advice {
  readonly file: string;
}

export const callers = subcommand({
  help: HELP,
  options: { json: { type: 'boolean' }, actions: { type: 'string' } },
  allowPositionals: true,
  async run({ values: options, positionals: [folder = '', ...more] }) {
    if (folder === '' || more.length > 0)
      throw new CommandLineError('Which folder? Name one: that of the app.');
    endWithReader();
    const actions = loadActions(options.actions);
    const places = placesIn(folder, (name) => actions.has(name));
    process.stdout.write(
      options.json ? places.map((place) => `${JSON.stringify(place)}\n`).join('') : listOf(places),
    );
    return 0;
  },
});

function placesIn(folder: string, isAction: (name: string) => boolean): Place[] {
  return [...sourceFiles(folder)].flatMap(({ path, text }) =>
    findCallers(text).map((caller) => ({ file: path, ...caller, ...adviceOn(caller, isAction) })),
  );
}

function listOf(places: readonly Place[]): string {
  if (places.length === 0) return 'Nothing here calls the old functions.\n';
  const lines = places.map(
    ({ file, line, verdict, says, ...caller }) =>
      `${verdict.padEnd(7)}${file}:${line}  ${describe(caller)}\n       ${says}\n`,
  );
  return `${lines.join('')}\n${summaryOf(places)}`;
}

function summaryOf(places: readonly Place[]): string {
  const verdicts = Object.keys(MEANINGS) as Verdict[];
  return verdicts
    .map((verdict) => ({ verdict, count: places.filter((place) => place.verdict === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${String(count).padStart(4)} ${verdict.padEnd(7)}${MEANINGS[verdict]}\n`)
    .join('');
}

function describe({ what, name }: Pick<Caller, 'what' | 'name'>): string {
  if (what.kind !== 'function') return what.kind === 'table' ? `${what.does} ${name}` : name;
  const { by, action, streams } = what;
  return [name, `by ${by}`, ...(action === null ? [] : [action]), ...(streams ? ['streams'] : [])].join(', ');
}
