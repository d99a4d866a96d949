/** `dash-relay switch`: changes what SWITCHES_FILE says, which a running relay reads; or says what holds. */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
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

/** The words are wrong: the message says which. */
class CommandLineError extends Error {}

const SWITCHES = {
  relay: 'relayEnabled',
  streaming: 'streamingEnabled',
  percent: 'websocketPercent',
} as const;
type Name = keyof typeof SWITCHES;

/** @param args what stands after `switch` @returns the exit code: 2 for wrong words, 1 where the file cannot be used */
export async function switchCommand(args: readonly string[]): Promise<number> {
  try {
    const options = { help: { type: 'boolean', short: 'h' } } as const;
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    if (values.help) return print(HELP);
    const config = readConfig({ ...process.env });
    const changes = positionals.map(changeOf);
    if (changes.length > 0) change(config.SWITCHES_FILE, changes);
    const now = readSwitches(config);
    return print(
      Object.entries(now)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
  } catch (error) {
    const { message } = error as Error;
    const wrongWords = error instanceof CommandLineError || isOfParseArgs(error);
    process.stderr.write(wrongWords ? `${message}\n\n${HELP}` : `${message}\n`);
    return wrongWords ? 2 : 1;
  }
}

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

function isOfParseArgs(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
