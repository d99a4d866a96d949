/**
 * `dash-relay doctor`: whether a relay would start with this environment, whether all that it depends on answers, and what
 * to do where not. It starts nothing, and changes nothing of the user's: an absent DATA_DIR is made, as by a start.
 */
import { styleText } from 'node:util';
import {
  CommandLineError,
  endWithReader,
  printLine,
  subcommand,
  type Words,
} from '../command-line/subcommand.ts';
import { withoutControls } from '../command-line/without-controls.ts';
import { limitsBelowOneAnswer } from '../compose/answer-room.ts';
import { type Config, ConfigError, type Environment, readConfig } from '../config/environment.ts';
import { type ConfigFiles, readConfigFiles } from '../config/files.ts';
import { systemClock } from '../time/clock.ts';
import { checkKeySet } from './checks/key-set.ts';
import { checkMachine } from './checks/machine.ts';
import { checkModelApi } from './checks/model-api.ts';
import { checkOldFunctions } from './checks/old-functions.ts';
import { checkPostgres } from './checks/postgres.ts';
import { checkPublicAddress, type PublicAddress } from './checks/public-address.ts';
import { checkRedis } from './checks/redis.ts';
import { checkWebhook } from './checks/webhook.ts';
import { type Check, fix, type Line, note, ok } from './line.ts';
import { type Finding, findings } from './run-checks.ts';

const HELP = `Usage: dash-relay doctor [options]

Says whether a relay would start with this environment, and whether all that it depends on answers: settings and files,
the key of the model's API and the models that settings name, the key set and the clock, Postgres, Redis, the app's old
functions, the webhook, descriptors and disk. It starts nothing, costs nothing and changes nothing, but makes DATA_DIR where it is absent,
as a start would: run it as the relay's user. Each line begins with

  ok    nothing to do
  note  nothing to do now
  fix   it says what to do

  --url <address>     as well: the relay as clients reach it, such as https://relay.example.com: its certificate, whether
                      events arrive unbuffered, whether WebSockets and pings pass the proxy
  --token <token>     with --url: of a user, who asks one short question (DASH_TOKEN; on loopback one is made)
  --action <name>     with --url: what is asked for (default chat)
  --silent <seconds>  with --url: whether a WebSocket that says nothing for so long stays open: 60
  --webhook           as well: sends a signed event of type relay.test to WEBHOOK_URL
  --json              one JSON object a line: check, mark, text
  --help              this text

Exit code 0: no line says "fix". 1: one does. 2: wrong words.
`;
const OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  action: { type: 'string', default: 'chat' },
  silent: { type: 'string' },
  webhook: { type: 'boolean', default: false },
  json: { type: 'boolean' },
} as const;

const EXIT_FIX = 1;
/** Of one question with its answer, ms. */
const ANSWER_MS = 60_000;
/** Of one event, which the endpoint has 15 s to take, ms. */
const WEBHOOK_MS = 20_000;
const MAX_SILENT_SECONDS = 3600;
const COLOURS = { ok: 'green', note: 'yellow', fix: 'red' } as const;

export const doctor = subcommand({
  help: HELP,
  options: OPTIONS,
  async run({ values }) {
    const address = addressOf(values);
    endWithReader();
    let code = 0;
    for await (const finding of examine(process.env, systemClock.now(), address, values.webhook)) {
      printLine(values.json ? JSON.stringify(finding) : shown(finding));
      if (finding.mark === 'fix') code = EXIT_FIX;
    }
    return code;
  },
});

/** In colour where a terminal shows it and NO_COLOR is not set. Texts hold words of whoever answered. */
function shown({ mark, text }: Finding): string {
  return `${styleText(COLOURS[mark], mark.padEnd(4), { stream: process.stdout })}  ${withoutControls(text)}`;
}

function addressOf({
  url,
  token,
  action,
  silent,
}: Words<typeof OPTIONS>['values']): PublicAddress | undefined {
  if (url === undefined) {
    if (token !== undefined || silent !== undefined)
      throw new CommandLineError('--token and --silent are for the address that --url names: give it too');
    return undefined;
  }
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.search !== '' || parsed.username !== '')
    throw new CommandLineError(`--url is not an address such as https://relay.example.com: ${url}`);
  const silentSeconds = silent === undefined ? 0 : Number(silent);
  if (!(silentSeconds >= 0 && silentSeconds <= MAX_SILENT_SECONDS))
    throw new CommandLineError(`--silent is a number of seconds up to ${MAX_SILENT_SECONDS}: ${silent}`);
  return {
    url: parsed.href.replace(/\/$/, ''),
    token: token ?? (process.env['DASH_TOKEN'] || undefined),
    action,
    silentSeconds,
  };
}

async function* examine(
  environment: Environment,
  now: number,
  address: PublicAddress | undefined,
  sendsEvent: boolean,
): AsyncGenerator<Finding> {
  const read = readSettings(environment, now);
  const settings = Array.isArray(read) ? read : settingsLines(read, now);
  for (const line of settings) yield { check: 'settings', ...line };
  yield* findings([
    ...(Array.isArray(read) ? [] : checksOf(read, now, sendsEvent)),
    ...checksOfAddress(address),
  ]);
}

interface Settings {
  readonly config: Config;
  readonly files: ConfigFiles;
}

/** Lines where the environment cannot be used. */
function readSettings(environment: Environment, now: number): Line[] | Settings {
  try {
    const config = readConfig(environment);
    return { config, files: readConfigFiles(config, now, () => {}) };
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(fix);
    throw error;
  }
}

function settingsLines({ config, files }: Settings, now: number): Line[] {
  return [
    ok(`environment: ${config.production ? 'for production' : 'for development'}`),
    ok(`files: actions, plans, models of ${files.models.version}, prices; data in ${config.DATA_DIR}`),
    ...limitsBelowOneAnswer(config, files, now).map(fix),
    ...tokenLines(config),
  ];
}

/** What is told of users, and what ends their tokens. */
function tokenLines({ production, USER_ID_KEY, REDIS_URL, REVOCATIONS_FILE }: Config): Line[] {
  if (!production) return [];
  return [
    USER_ID_KEY === undefined
      ? fix(
          "USER_ID_KEY: is not set, so who has a list of user ids can tell whose the model API's metadata.user_id is; set 32 random characters or more, the same on all machines",
        )
      : ok('USER_ID_KEY: the model API knows users by ids that nobody else can compute'),
    REDIS_URL === undefined && REVOCATIONS_FILE === undefined
      ? note(
          'REVOCATIONS_FILE: is not set, so a token holds until it expires; name a file, which may be absent, and dash-relay revoke ends one sooner',
        )
      : ok('revocations: dash-relay revoke ends tokens before they expire'),
  ];
}

function checksOf({ config, files }: Settings, now: number, sendsEvent: boolean): Check[] {
  return [
    { name: 'model API', run: () => checkModelApi(config, files, now) },
    { name: 'key set', run: (signal) => checkKeySet(config, signal) },
    { name: 'Postgres', run: (signal) => checkPostgres(config, files, signal) },
    { name: 'Redis', run: (signal) => checkRedis(config, signal) },
    { name: 'old functions', run: (signal) => checkOldFunctions(config, signal) },
    {
      name: 'webhook',
      limitMs: WEBHOOK_MS,
      run: (signal) => checkWebhook(config, sendsEvent, signal),
    },
    { name: 'machine', run: () => checkMachine(config) },
  ];
}

function checksOfAddress(address: PublicAddress | undefined): Check[] {
  if (address === undefined) return [];
  const limitMs = ANSWER_MS + address.silentSeconds * 1000;
  return [{ name: 'public address', limitMs, run: (signal) => checkPublicAddress(address, signal) }];
}
