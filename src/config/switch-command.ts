/** `dash-relay switch`: changes what SWITCHES_FILE says, which a running relay reads; or says what holds. */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { CommandLineError, printLine, subcommand } from '../command-line/subcommand.ts';
import { readConfig } from './environment.ts';
import { readSwitches, type SwitchesFile, switchesIn } from './switches.ts';

const HELP = `Usage: dash-relay switch [name=value …]

Changes the switches of SWITCHES_FILE, which the relay beside it reads twice a second. Without words it says what holds.

  relay=on|off         whether questions are taken; off sends apps to their own function
  streaming=on|off     off: everybody gets whole answers
  percent=0..100       share of users who are told to use WebSockets
  <name>=environment   as the environment says
  --help               this text
`;

const SWITCHES = {
  relay: 'relayEnabled',
  streaming: 'streamingEnabled',
  percent: 'websocketPercent',
} as const;
type Name = keyof typeof SWITCHES;

export const switchCommand = subcommand({
  help: HELP,
  allowPositionals: true,
  async run({ positionals }) {
    const config = readConfig({ ...process.env });
    const changes = positionals.map(changeOf);
    if (changes.length > 0) change(config.SWITCHES_FILE, changes);
    for (const [key, value] of Object.entries(readSwitches(config))) printLine(`${key}=${value}`);
    return 0;
  },
});

/** Undefined: no word of the file any more. */
type Change = readonly [key: keyof SwitchesFile, value: boolean | number | undefined];

function changeOf(word: string): Change {
  const [name = '', value = ''] = word.split('=', 2);
  if (!isName(name)) throw new CommandLineError(`There is no switch "${name}".`);
  return [SWITCHES[name], value === 'environment' ? undefined : settingOf(name, value)];
}

function settingOf(name: Name, value: string): boolean | number {
  if (name === 'percent') {
    if (/^\d{1,3}$/.test(value) && Number(value) <= 100) return Number(value);
    throw new CommandLineError(`percent is a whole number from 0 to 100, or "environment": ${value}`);
  }
  if (value === 'on' || value === 'off') return value === 'on';
  throw new CommandLineError(`${name} is "on", "off" or "environment": ${value}`);
}

function isName(name: string): name is Name {
  return Object.hasOwn(SWITCHES, name);
}

/** In one step: a relay that reads meanwhile finds the old file or the new one. */
function change(file: string | undefined, changes: readonly Change[]): void {
  if (file === undefined)
    throw new Error(
      'SWITCHES_FILE is not set: name the file here and to the relay, or change its environment',
    );
  const kept: SwitchesFile = { ...switchesIn(file), ...Object.fromEntries(changes) };
  const said = JSON.stringify(kept);
  if (said === '{}') {
    if (existsSync(file)) rmSync(file);
    return;
  }
  const whole = `${file}.new`;
  writeFileSync(whole, `${said}\n`);
  renameSync(whole, file);
}
