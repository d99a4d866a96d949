/**
 * The command `dash-relay`: which subcommand is meant, and its exit code. Each is loaded only where it is asked for, reads
 * its own options, and says with `--help` what they are.
 */
import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { EXIT_USAGE, type Subcommand } from './command-line/subcommand.ts';
import { COMPILE_CACHE } from './compile-cache.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<Subcommand>;
}

const SUBCOMMANDS: Readonly<Record<string, Entry>> = {
  start: {
    summary: 'starts the relay; its settings are in the environment',
    load: async () => (await import('./start-command.ts')).start,
  },
  doctor: {
    summary: 'says whether a relay would start here, and all it depends on answers, and what to do',
    load: async () => (await import('./doctor/doctor-command.ts')).doctor,
  },
  top: {
    summary: 'shows what a running relay does now',
    load: async () => (await import('./top/top-command.ts')).top,
  },
  migrate: {
    summary: 'brings the database to the schema of this release',
    load: async () => (await import('./postgres/migrate-command.ts')).migrateCommand,
  },
  usage: {
    summary: 'prints what was used, and what it cost',
    load: async () => (await import('./reports/usage-command.ts')).usage,
  },
  ask: {
    summary: 'asks a running relay, in the terminal',
    load: async () => (await import('./ask/ask.ts')).ask,
  },
  load: {
    summary: 'puts load on a relay, and says how it bears it',
    load: async () => (await import('./load/load-command.ts')).load,
  },
  callers: {
    summary: 'lists where an app calls its old functions, and what each place becomes',
    load: async () => (await import('./callers/callers-command.ts')).callers,
  },
  switch: {
    summary: 'switches streaming, or the relay, off and on without a restart',
    load: async () => (await import('./compose/switch-command.ts')).switchCommand,
  },
  revoke: {
    summary: 'ends tokens of a user, a session or a key before they expire',
    load: async () => (await import('./compose/revoke-command.ts')).revokeCommand,
  },
  logs: {
    summary: 'shows the log of a relay in columns: dash-relay start | dash-relay logs',
    load: async () => (await import('./log-view/logs-command.ts')).logs,
  },
  mirror: {
    summary: 'says which runs are in the table of the app, and brings what is missing',
    load: async () => (await import('./postgres/mirror-command.ts')).mirrorCommand,
  },
  reports: {
    summary: 'lists what people reported of answers',
    load: async () => (await import('./reports/answer-reports-command.ts')).answerReports,
  },
  export: {
    summary: 'prints all that is kept of a user: answers, runs, reports',
    load: async () => (await import('./compose/export-command.ts')).exportCommand,
  },
  webhooks: {
    summary: 'lists events that the webhook did not take, and sends them again',
    load: async () => (await import('./webhooks/webhooks-command.ts')).webhooks,
  },
  erase: {
    summary:
      "makes runs of a user, or of a time, nobody's on this disk; deletes the user's answers and uploads",
    load: async () => (await import('./compose/erase-command.ts')).erase,
  },
};

const HELP = `Usage: dash-relay <command> [options]

${Object.entries(SUBCOMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}\n`)
  .join('')}
  --version  which release this is
  --help     this text; after a command, what that one takes
`;

if (COMPILE_CACHE !== undefined) enableCompileCache(COMPILE_CACHE);
process.exitCode = await dispatch(process.argv.slice(2));

async function dispatch(args: readonly string[]): Promise<number> {
  const at = args.findIndex((word) => !word.startsWith('-'));
  const name = args[at];
  const own = readOptions(at === -1 ? args : args.slice(0, at));
  if (own instanceof Error) return wrong(own.message);
  if (own.help) return print(HELP);
  if (own.version) return print(`${version()}\n`);
  if (name === undefined) return wrong('Which command?');
  const entry = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (entry === undefined) return wrong(`There is no command "${name}".`);
  const run = await entry.load();
  return await run(args.slice(at + 1));
}

function readOptions(args: readonly string[]) {
  try {
    const options = {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { readonly version: string }).version;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function wrong(message: string): number {
  process.stderr.write(`dash-relay: ${message}\n\n${HELP}`);
  return EXIT_USAGE;
}
