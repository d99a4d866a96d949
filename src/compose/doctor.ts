/**
 * `dash-relay doctor`: whether a relay would start with this environment, and whether its models would answer. It starts
 * nothing, and asks the API only for its list of models, which is free.
 */
import { endWithReader, printLine, subcommand } from '../command-line/subcommand.ts';
import { type Config, ConfigError, type Environment, readConfig } from '../config/environment.ts';
import { type ConfigFiles, readConfigFiles } from '../config/files.ts';
import { modelsInUse } from '../config/models-in-use.ts';
import { type ListedModel, listedModels } from '../models/listed-model.ts';
import { findingsOf, type ModelFinding } from '../models/model-findings.ts';
import type { Listing, NoListing } from '../models/model-watch.ts';
import { systemClock } from '../time/clock.ts';
import { createAnthropicUpstream } from '../upstream/anthropic.ts';
import { limitsBelowOneAnswer } from './answer-room.ts';

const HELP = `Usage: dash-relay doctor

Says whether a relay would start with this environment and be answered: its settings and files, the key of the model's
API, and the models that settings name. It starts nothing and costs nothing. Each line begins with

  ok    nothing to do
  note  nothing to do now
  fix   it says what to do

  --help     this text

Exit code 0: no line says "fix". 1: one does. 2: wrong words.
`;

const EXIT_FIX = 1;
const DAY_MS = 24 * 60 * 60_000;
/** A model that retires within so many days is to be replaced now. */
const SOON_DAYS = 60;

interface Line {
  readonly mark: 'ok' | 'note' | 'fix';
  readonly text: string;
}

export const doctor = subcommand({
  help: HELP,
  async run() {
    endWithReader();
    const lines = await examine(process.env, systemClock.now());
    for (const { mark, text } of lines) printLine(`${mark.padEnd(4)}  ${text}`);
    return lines.some(({ mark }) => mark === 'fix') ? EXIT_FIX : 0;
  },
});

async function examine(environment: Environment, now: number): Promise<Line[]> {
  const read = readSettings(environment, now);
  if (Array.isArray(read)) return read;
  const { config, files } = read;
  const settings = [
    ok(`environment: ${config.production ? 'for production' : 'for development'}`),
    ok(`files: actions, plans, models of ${files.models.version}, prices; data in ${config.DATA_DIR}`),
    ...limitsBelowOneAnswer(config, files, now).map(fix),
  ];
  const { ANTHROPIC_API_KEY: apiKey } = config;
  if (apiKey === undefined)
    return [...settings, note('ANTHROPIC_API_KEY: is not set, so the simulated model answers')];
  const listing = await askForModels(apiKey, config);
  return [...settings, ofKey(listing), ...modelLines(config, files, listing, now)];
}

/** Lines where the environment cannot be used. */
function readSettings(
  environment: Environment,
  now: number,
): Line[] | { readonly config: Config; readonly files: ConfigFiles } {
  try {
    const config = readConfig(environment);
    return { config, files: readConfigFiles(config, now, () => {}) };
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(fix);
    throw error;
  }
}

async function askForModels(apiKey: string, config: Config): Promise<Listing> {
  const upstream = createAnthropicUpstream({
    apiKey,
    baseURL: config.ANTHROPIC_BASE_URL,
    timeouts: {
      connectMs: config.UPSTREAM_CONNECT_MS,
      idleMs: config.UPSTREAM_IDLE_MS,
      totalMs: config.UPSTREAM_TOTAL_MS,
    },
    clock: systemClock,
  });
  try {
    return await upstream.listModels();
  } finally {
    await upstream.close();
  }
}

function ofKey(listing: Listing): Line {
  if (listing.kind === 'listed')
    return ok(`ANTHROPIC_API_KEY: the API takes it, and lists ${listing.models.length} models to it`);
  const { status } = listing;
  if (listing.kind === 'denied' && status !== 403)
    return note(
      `ANTHROPIC_BASE_URL: has no list of models (${status}), so that models are known by the models file alone; whether the key is taken shows with the first question`,
    );
  return fix(KEY_REFUSED[status] ?? unanswered(listing));
}

const KEY_REFUSED: Readonly<Record<number, string>> = {
  401: 'ANTHROPIC_API_KEY: the API refuses it (401): it is revoked, mistyped, or of another account; set another',
  402: "ANTHROPIC_API_KEY: its account cannot pay (402): see to the payment in the provider's console",
  403: 'ANTHROPIC_API_KEY: it may not ask for the list of models (403): see to the rights of the key and its account',
};

function unanswered({ kind, status, ...why }: NoListing): string {
  if (status === 0)
    return 'ANTHROPIC_BASE_URL: nobody answers there: see to the address, the network and the certificates';
  const reason = 'reason' in why ? why.reason : kind;
  return `ANTHROPIC_BASE_URL: the answer is no list of models (${reason}, status ${status}): see to the address and to proxies, or ask again later`;
}

function modelLines(config: Config, files: ConfigFiles, listing: Listing, now: number): Line[] {
  const listed = listing.kind === 'listed' ? listedModels(listing.models) : null;
  return [...modelsInUse(config, files)].flatMap(([id, usedBy]) =>
    usedBy.length === 0
      ? linesOfAllowed(id, files, listed, now)
      : linesOfNamed(`${id} (${usedBy.join(', ')})`, id, files, listed, now),
  );
}

function linesOfNamed(
  name: string,
  id: string,
  { models }: ConfigFiles,
  listed: readonly ListedModel[] | null,
  now: number,
): Line[] {
  const lines = findingsOf(id, models, listed, now).map((finding) => {
    const { mark, text } = ofFinding(finding, now);
    return { mark, text: `${name}: ${text}` };
  });
  if (models.find(id) === undefined)
    lines.push(
      note(`${name}: is not in the models file, so how it thinks is not known; add it to MODELS_FILE`),
    );
  return lines.length === 0 ? [ok(name)] : lines;
}

/** Of a model that no setting names it is only good to know. */
function linesOfAllowed(
  id: string,
  { models }: ConfigFiles,
  listed: readonly ListedModel[] | null,
  now: number,
): Line[] {
  const ends = findingsOf(id, models, listed, now).filter(({ state }) => state === 'deprecated');
  return ends.map((finding) => note(`${id} (clients may ask for it): ${ofFinding(finding, now).text}`));
}

function ofFinding(finding: ModelFinding, now: number): Line {
  switch (finding.state) {
    case 'retired':
      return fix('is retired: it is not asked; name another');
    case 'unlisted':
      return fix('is not in the list of the API: misspelt, not for this key, or gone; name another');
    case 'deprecated':
      return ofDeprecated(finding.retiresOn, now);
    case 'differs': {
      const differences = finding.differences.map(
        ({ of, file, api }) => `${of} is ${api}, and in the file ${file}`,
      );
      return fix(`by the API ${differences.join('; ')}: bring MODELS_FILE up to date`);
    }
  }
}

function ofDeprecated(retiresOn: string | null, now: number): Line {
  if (retiresOn === null) return note('is deprecated, without a date yet: name another before');
  const days = Math.ceil((Date.parse(retiresOn) - now) / DAY_MS);
  if (days <= 0) return fix(`should have retired on ${retiresOn}, and may any day: name another`);
  const text = `retires on ${retiresOn}, in ${days} ${days === 1 ? 'day' : 'days'}: name another before`;
  return days <= SOON_DAYS ? fix(text) : note(text);
}

function ok(text: string): Line {
  return { mark: 'ok', text };
}

function note(text: string): Line {
  return { mark: 'note', text };
}

function fix(text: string): Line {
  return { mark: 'fix', text };
}
