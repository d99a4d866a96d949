/** The key of the model's API, and the models that settings name. The API is asked for its list alone, which is free. */
import type { Config } from '../../config/environment.ts';
import type { ConfigFiles } from '../../config/files.ts';
import { modelsInUse } from '../../config/models-in-use.ts';
import { type ListedModel, listedModels } from '../../models/listed-model.ts';
import { findingsOf, type ModelFinding } from '../../models/model-findings.ts';
import type { Listing, NoListing } from '../../models/model-watch.ts';
import { systemClock } from '../../time/clock.ts';
import { createAnthropicUpstream } from '../../upstream/anthropic.ts';
import { fix, type Line, note, ok } from '../line.ts';

const DAY_MS = 24 * 60 * 60_000;
/** A model that retires within so many days is to be replaced now. */
const SOON_DAYS = 60;

/** @param now Unix ms */
export async function checkModelApi(
  config: Config,
  files: ConfigFiles,
  now: number,
): Promise<readonly Line[]> {
  const { ANTHROPIC_API_KEY: apiKey } = config;
  if (apiKey === undefined) return [note('ANTHROPIC_API_KEY: is not set, so the simulated model answers')];
  const listing = await askForModels(apiKey, config);
  return [ofKey(listing), ...modelLines(config, files, listing, now)];
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
