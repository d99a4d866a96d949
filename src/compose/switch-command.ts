/** `dash-relay switch`: sets switches for all relays, or in the file of this machine, or says what holds here. */
import { existsSync, rmSync } from 'node:fs';
import type { FleetTable } from '../cluster/fleet-table.ts';
import {
  CommandLineError,
  endWithReader,
  messageOf,
  printLine,
  subcommand,
} from '../command-line/subcommand.ts';
import { type Config, readConfig } from '../config/environment.ts';
import {
  heldSwitches,
  type OwnSwitches,
  type PlacedSwitches,
  SWITCH_KEYS,
  type SwitchName,
  switchesOfFile,
  switchesOfFleet,
} from '../config/switches.ts';
import { MAY_ARRIVE, openFleet, reached, replaceFile } from './command-places.ts';

const HELP = `Usage: dash-relay switch [--fleet | --file] [name=value …]

Sets switches while relays run, who hear of it within a second. Without words it says what holds here, and where that is set.

  relay=on|off         whether questions are taken; off sends apps to their own function
  streaming=on|off     off: everybody gets whole answers
  percent=0..100       share of users who are told to use WebSockets
  <name>=environment   takes it back: what the environment says holds

  --fleet              for all relays on REDIS_URL; so it is where that is set
  --file               for this machine alone, in SWITCHES_FILE, which counts more than the fleet; so it is without REDIS_URL
  --help               this text
`;

const NAMES = {
  relay: 'relayEnabled',
  streaming: 'streamingEnabled',
  percent: 'websocketPercent',
} as const satisfies Readonly<Record<string, SwitchName>>;
type Word = keyof typeof NAMES;

export const switchCommand = subcommand({
  help: HELP,
  options: { fleet: { type: 'boolean' }, file: { type: 'boolean' } },
  allowPositionals: true,
  async run({ values, positionals }) {
    if (values.fleet && values.file)
      throw new CommandLineError('"--fleet" and "--file" are two places: name one.');
    const changes = positionals.map(changeOf);
    endWithReader();
    const config = readConfig({ ...process.env });
    const place = values.file || (config.REDIS_URL === undefined && !values.fleet) ? 'file' : 'fleet';
    for (const line of await changeAndTell(config, place, changes)) printLine(line);
    return 0;
  },
});

/** Undefined: the place says nothing of it any more. */
type Change = readonly [name: SwitchName, value: boolean | number | undefined];

function changeOf(word: string): Change {
  const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(word) ?? [];
  if (!isWord(name)) throw new CommandLineError(`There is no switch "${name}".`);
  return [NAMES[name], value === 'environment' ? undefined : settingOf(name, value)];
}

function settingOf(name: Word, value: string): boolean | number {
  if (name === 'percent') {
    if (/^\d{1,3}$/.test(value) && Number(value) <= 100) return Number(value);
    throw new CommandLineError(`percent is a whole number from 0 to 100, or "environment": ${value}`);
  }
  if (value === 'on' || value === 'off') return value === 'on';
  throw new CommandLineError(`${name} is "on", "off" or "environment": ${value}`);
}

function isWord(name: string): name is Word {
  return Object.hasOwn(NAMES, name);
}

/** What holds on this machine then, and where the changes went. */
async function changeAndTell(
  config: Config,
  place: keyof PlacedSwitches,
  changes: readonly Change[],
): Promise<string[]> {
  const fleet = await openFleet('switches', config);
  try {
    if (changes.length > 0)
      await (place === 'file' ? changeFile(config, changes) : changeFleet(fleet, changes));
    const file = switchesOfFile(config);
    const told = changes.length === 0 ? [] : [toldOf(place, config), ...hiddenBy(file, place, changes)];
    const known = fleet === undefined ? {} : await readFleet(fleet, place);
    if (!(known instanceof Error)) return [...told, ...held(config, { file, fleet: known })];
    return [...told, `# ${known.message.replaceAll('\n', '\n# ')}`, ...held(config, { file, fleet: {} })];
  } finally {
    fleet?.close();
  }
}

async function changeFleet(fleet: FleetTable | undefined, changes: readonly Change[]): Promise<void> {
  if (fleet === undefined)
    throw new Error('REDIS_URL is not set: name the Redis of the relays, or use --file');
  const entries = changes.map(([name, value]) => [name, value === undefined ? undefined : String(value)]);
  await reached('switches', fleet.change(Object.fromEntries(entries)), MAY_ARRIVE);
}

/** Or why it is not known, where this is not about the fleet: then it must not stand in the way. */
async function readFleet(fleet: FleetTable, place: keyof PlacedSwitches): Promise<OwnSwitches | Error> {
  try {
    return switchesOfFleet(await reached('switches', fleet.read()));
  } catch (cause) {
    if (place === 'file' && cause instanceof Error) return cause;
    throw cause;
  }
}

function changeFile({ SWITCHES_FILE: file }: Config, changes: readonly Change[]): void {
  if (file === undefined)
    throw new Error(
      'SWITCHES_FILE is not set: name the file here and to the relay, or change its environment',
    );
  const kept: OwnSwitches = { ...readToChange(file), ...Object.fromEntries(changes) };
  if (JSON.stringify(kept) !== '{}') replaceFile(file, kept);
  else if (existsSync(file)) rmSync(file);
}

function readToChange(file: string): OwnSwitches {
  try {
    return switchesOfFile({ SWITCHES_FILE: file });
  } catch (cause) {
    throw new Error(`${messageOf(cause)}\nNothing is changed: mend the file, or remove it and ask again.`, {
      cause,
    });
  }
}

function toldOf(place: keyof PlacedSwitches, { SWITCHES_FILE: file }: Config): string {
  return place === 'file' ? `# written to ${file}, for this machine` : '# set for all relays on REDIS_URL';
}

/** What was set for the fleet, and is set otherwise here. */
function hiddenBy(file: OwnSwitches, place: keyof PlacedSwitches, changes: readonly Change[]): string[] {
  if (place === 'file') return [];
  return changes
    .filter(([name, value]) => file[name] !== undefined && file[name] !== value)
    .map(([name]) => `# ${SWITCH_KEYS[name]}: SWITCHES_FILE of this machine says otherwise, and holds here`);
}

function held(config: Config, placed: PlacedSwitches): string[] {
  const switches = heldSwitches(config, placed);
  return (Object.keys(SWITCH_KEYS) as SwitchName[]).map((name) => {
    const { value, from } = switches[name];
    return `${SWITCH_KEYS[name]}=${value} # ${PLACES[from]}`;
  });
}

const PLACES = { environment: 'environment', fleet: 'fleet', file: 'SWITCHES_FILE' } as const;
