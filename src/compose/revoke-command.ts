/** `dash-relay revoke`: ends tokens before they expire, on all relays or on this machine, or says which are ended. */
import { hasLapsed, type RevocationLists, unlapsed } from '../auth/revocations.ts';
import type { FleetTable } from '../cluster/fleet-table.ts';
import { instantOf } from '../command-line/dates.ts';
import {
  CommandLineError,
  endWithReader,
  messageOf,
  printLine,
  subcommand,
  type Words,
} from '../command-line/subcommand.ts';
import { type Config, readConfig } from '../config/environment.ts';
import {
  fileOfRevocations,
  fleetEntries,
  fleetEntry,
  MOST_REVOCATIONS,
  REVOCATION_KINDS,
  type Revocation,
  type RevocationKind,
  revocationName,
  revocationsIn,
  revocationsOfFile,
  revocationsOfFleet,
} from '../config/revocations.ts';
import { systemClock } from '../time/clock.ts';
import { MAY_ARRIVE, openFleet, reached, replaceFile } from './command-places.ts';
import { nextVersion, VERSION } from './revocations.ts';

const HELP = `Usage: dash-relay revoke [--fleet | --file] [--user <id> | --session <id> | --key <kid>] … [--before <time>]
       dash-relay revoke [--fleet | --file] … --undo
       dash-relay revoke --list

Ends tokens before they expire. Relays hear of it within a second: they refuse these tokens, close their connections (4401), and
stop their answers, which are billed for what there is. Each option may be given several times.

  --user <id>      the user's tokens from before now; who signs in again is served
  --session <id>   all tokens of that session (the claim session_id), refreshed ones too
  --key <kid>      all tokens that the key signed, of every user, until --undo; HS256 is SUPABASE_JWT_SECRET
  --before <time>  with --user: the tokens from before that time, such as 2026-11-29T18:00:00Z
  --undo           takes them back
  --list           says which there are
  --fleet          for all relays on REDIS_URL; so it is where that is set
  --file           for this machine alone, in REVOCATIONS_FILE, beside the fleet's; so it is without REDIS_URL
  --help           this text

Who has a refresh token gets new tokens from Supabase: sign the user out there first, docs/identity.md has how.
`;
const OPTIONS = {
  user: { type: 'string', multiple: true },
  session: { type: 'string', multiple: true },
  key: { type: 'string', multiple: true },
  before: { type: 'string' },
  undo: { type: 'boolean' },
  list: { type: 'boolean' },
  fleet: { type: 'boolean' },
  file: { type: 'boolean' },
} as const;
type Options = Words<typeof OPTIONS>['values'];

export const revokeCommand = subcommand({
  help: HELP,
  options: OPTIONS,
  async run({ values }) {
    const now = systemClock.now();
    const changes = changesOf(values, now);
    endWithReader();
    const config = readConfig({ ...process.env });
    for (const { at } of changes) requireOfUse(at, now, config);
    for (const line of await changeAndTell(config, placeOf(values, config), changes, now)) printLine(line);
    return 0;
  },
});

type Place = 'fleet' | 'file';

/** `at` is undefined where it is taken back. */
type Change = Omit<Revocation, 'at'> & { readonly at: number | undefined };

function placeOf({ fleet, file }: Options, { REDIS_URL }: Config): Place {
  return file || (REDIS_URL === undefined && !fleet) ? 'file' : 'fleet';
}

/** @throws CommandLineError where the words do not go together */
function changesOf(values: Options, now: number): Change[] {
  const { before, undo, list, fleet, file } = values;
  if (fleet && file) throw new CommandLineError('"--fleet" and "--file" are two places: name one.');
  const at = undo ? undefined : before === undefined ? now : instantOf('--before', before);
  const changes = (Object.keys(REVOCATION_KINDS) as RevocationKind[]).flatMap((kind) =>
    (values[kind] ?? []).map((written) => ({ kind, name: nameOf(kind, written), at })),
  );
  if (list && (changes.length > 0 || undo || before !== undefined))
    throw new CommandLineError('"--list" changes nothing: give it alone.');
  if (!list && changes.length === 0)
    throw new CommandLineError('Whose tokens? Name them by --user, --session or --key, or ask for --list.');
  if (before !== undefined && (undo || changes.some(({ kind }) => kind !== 'user')))
    throw new CommandLineError(
      '--before goes with --user alone: of a session or a key every token is revoked, and --undo takes back all.',
    );
  return changes;
}

function nameOf(kind: RevocationKind, written: string): string {
  const name = revocationName(kind, written);
  if (name !== undefined) return name;
  throw new CommandLineError(
    kind === 'key'
      ? '--key is the kid of a key as the key set has it, or HS256: 1 to 256 characters without spaces'
      : `--${kind} is a UUID such as 5f0c7c1e-93a1-4a57-8b0e-6f4d1c2b3a99: ${written.slice(0, 64)}`,
  );
}

/** @throws CommandLineError where no token can be meant, or tokens of sign-ins to come */
function requireOfUse(at: number | undefined, now: number, { MAX_TOKEN_LIFE_MS: lifeMs }: Config): void {
  if (at === undefined) return;
  if (at > now)
    throw new CommandLineError(
      '--before lies ahead: who signs in until then would be refused too. Leave it out for now.',
    );
  if (hasLapsed(at, now, lifeMs))
    throw new CommandLineError(
      '--before is so long ago that each token from before it has expired (MAX_TOKEN_LIFE_MS).',
    );
}

/** What was set and where, or, of no change, all that there is. */
async function changeAndTell(
  config: Config,
  place: Place,
  changes: readonly Change[],
  now: number,
): Promise<string[]> {
  const fleet = await openFleet('revocations', config);
  try {
    if (changes.length === 0) return await listed(config, fleet, now);
    if (place === 'file') changeFile(config, changes, now);
    else await changeFleet(config, fleet, changes, now);
    const where = place === 'file' ? `written to ${config.REVOCATIONS_FILE}, for this machine` : ALL_RELAYS;
    return [
      `# ${where}`,
      ...changes.map(toldOf(config)),
      ...(await heldElsewhere(config, fleet, place, changes)),
    ];
  } finally {
    fleet?.close();
  }
}

const ALL_RELAYS = 'set for all relays on REDIS_URL';

async function listed(config: Config, fleet: FleetTable | undefined, now: number): Promise<string[]> {
  const { MAX_TOKEN_LIFE_MS: lifeMs } = config;
  const places = [
    { where: 'fleet', lists: fleet && revocationsOfFleet(await reached('revocations', fleet.read())).lists },
    { where: 'REVOCATIONS_FILE', lists: revocationsOfFile(config) },
  ];
  return places.flatMap(({ where, lists }) =>
    lists === undefined
      ? []
      : revocationsIn(unlapsed(lists, now, lifeMs)).map((each) => `${toldOf(config)(each)} # ${where}`),
  );
}

async function changeFleet(
  config: Config,
  fleet: FleetTable | undefined,
  changes: readonly Change[],
  now: number,
): Promise<void> {
  if (fleet === undefined)
    throw new Error('REDIS_URL is not set: name the Redis of the relays, or use --file');
  const entries = await reached('revocations', fleet.read());
  const { lists } = revocationsOfFleet(entries);
  const next = changed(lists, changes, config, now);
  const kept = fleetEntries(next);
  const gone = Object.keys(fleetEntries(lists)).filter((entry) => !Object.hasOwn(kept, entry));
  const change: Record<string, string | undefined> = {
    ...Object.fromEntries(gone.map((entry) => [entry, undefined])),
    ...Object.fromEntries(changes.map(({ kind, name, at }) => [fleetEntry(kind, name), at?.toString()])),
    [VERSION]: nextVersion(entries[VERSION]),
  };
  await reached('revocations', fleet.change(change), MAY_ARRIVE);
}

function changeFile(config: Config, changes: readonly Change[], now: number): void {
  const { REVOCATIONS_FILE: file } = config;
  if (file === undefined)
    throw new Error(
      'REVOCATIONS_FILE is not set: name the file here and to the relay, or REDIS_URL for all relays',
    );
  replaceFile(file, fileOfRevocations(changed(readToChange(config), changes, config, now)));
}

function readToChange(config: Config): RevocationLists {
  try {
    return revocationsOfFile(config);
  } catch (cause) {
    throw new Error(`${messageOf(cause)}\nNothing is changed: mend the file, or remove it and ask again.`, {
      cause,
    });
  }
}

/** Without those that have lapsed. @throws Error where they would be too many */
function changed(
  lists: RevocationLists,
  changes: readonly Change[],
  { MAX_TOKEN_LIFE_MS: lifeMs }: Config,
  now: number,
): RevocationLists {
  const next = unlapsed(lists, now, lifeMs);
  const own = { users: new Map(next.users), sessions: new Map(next.sessions), keys: new Map(next.keys) };
  for (const { kind, name, at } of changes) {
    if (at === undefined) own[REVOCATION_KINDS[kind]].delete(name);
    else own[REVOCATION_KINDS[kind]].set(name, at);
  }
  const count = own.users.size + own.sessions.size + own.keys.size;
  if (count > MOST_REVOCATIONS)
    throw new Error(
      `there would be ${count} revocations, and at most ${MOST_REVOCATIONS} are kept; nothing is changed. Take some back (--list, --undo), set MAX_TOKEN_LIFE_MS to what your issuer gives, so that they lapse sooner, or revoke the key that signed them all`,
    );
  return own;
}

/** One line of what is set, or was taken back. */
function toldOf({ MAX_TOKEN_LIFE_MS: lifeMs }: Config): (change: Change) => string {
  return ({ kind, name, at }) => {
    if (at === undefined) return `${kind} ${name} is taken back`;
    const time = new Date(at).toISOString();
    if (kind === 'key') return `${kind} ${name} all, since ${time}, until it is taken back`;
    const until = new Date(at + lifeMs).toISOString();
    return `${kind} ${name} ${kind === 'user' ? `issued before ${time}` : `all, since ${time}`}, until ${until}`;
  };
}

/** Of what was taken back in one place, what the other still says. */
async function heldElsewhere(
  config: Config,
  fleet: FleetTable | undefined,
  place: Place,
  changes: readonly Change[],
): Promise<string[]> {
  const taken = changes.filter(({ at }) => at === undefined);
  if (taken.length === 0 || (place === 'file' && fleet === undefined)) return [];
  const other =
    place === 'fleet' || fleet === undefined
      ? revocationsOfFile(config)
      : revocationsOfFleet(await reached('revocations', fleet.read())).lists;
  return taken
    .filter(({ kind, name }) => other[REVOCATION_KINDS[kind]].has(name))
    .map(({ kind, name }) => `# ${kind} ${name}: ${STILL[place]}`);
}

const STILL = {
  fleet: 'REVOCATIONS_FILE of this machine revokes it as well, and holds here',
  file: 'the fleet revokes it as well, and that holds',
} as const;
