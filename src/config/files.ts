/**
 * What the environment points at: files, the data directory, certificates. All of it is judged before anything opens,
 * and at once, so that what will never work ends the start instead of looking like an outage later.
 */
import { hash } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { boundedText } from '../files/json-file.ts';
import { loadMirror, type MirrorDefinition } from '../mirror/definition.ts';
import { ModelTable } from '../models/model-table.ts';
import { withIds } from '../models/settings.ts';
import { requireCertificates } from '../postgres/connection-url.ts';
import { loadPrices, type PriceTable } from '../pricing/prices.ts';
import { loadPlans, type Plans } from '../quota/plans.ts';
import type { QuotaHolder } from '../quota/port.ts';
import type { Actions, PlanActions } from '../run/request.ts';
import { loadActions } from './actions.ts';
import { type Config, ConfigError, type EnvironmentKey } from './environment.ts';
import { modelProblems } from './model-rules.ts';
import { modelsInUse, unpricedModels } from './models-in-use.ts';
import { actionsByPlan } from './plan-actions.ts';
import { planProblems } from './plan-rules.ts';
import { revocationsOfFile } from './revocations.ts';
import { switchesOfFile } from './switches.ts';

/** Anything else (a full disk) may pass, and is told by the ledger. */
const NEVER_A_DIRECTORY: ReadonlySet<unknown> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'EEXIST',
  'ENOTDIR',
  'ENOENT',
]);

export interface ConfigFiles {
  readonly actions: Actions;
  /** As the plan of whoever asks has them. */
  readonly actionsOf: (holder: QuotaHolder) => PlanActions;
  readonly models: ModelTable;
  readonly prices: PriceTable;
  readonly plans: Plans;
  /** Of MIRROR_FILE, if it is set. */
  readonly mirror: MirrorDefinition | undefined;
}

/** Keys whose files may be read again while the relay runs. */
const SETTINGS_KEYS = ['ACTIONS_FILE', 'PLANS_FILE', 'PRICES_FILE', 'MODELS_FILE'] as const;
export type SettingsKey = (typeof SETTINGS_KEYS)[number];

/** What tells one content of each file that is set from another. One that cannot be read has none. */
export function contentsOf(config: Pick<Config, SettingsKey>): ReadonlyMap<SettingsKey, string> {
  const contentOf = (file: string): string => {
    try {
      return hash('sha256', boundedText(file));
    } catch {
      return ''; // who reads it for what it says is told why
    }
  };
  return new Map(
    SETTINGS_KEYS.flatMap((key) => {
      const file = config[key];
      return file === undefined ? [] : [[key, contentOf(file)] as const];
    }),
  );
}

/**
 * Reads and judges what the keys point at.
 * @param now Unix ms
 * @param onUnknownTier told once of each tier without a plan
 * @throws ConfigError naming every key whose file, directory or certificate cannot be used
 */
export function readConfigFiles(
  config: Config,
  now: number,
  onUnknownTier: (tier: string) => void,
): ConfigFiles {
  const problems: string[] = [];
  const checked = <Value>(key: EnvironmentKey, check: () => Value): Value | undefined => {
    try {
      return check();
    } catch (error) {
      problems.push(`${key}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const named = checked('ACTIONS_FILE', () => loadActions(config.ACTIONS_FILE));
  const models = checked('MODELS_FILE', () => ModelTable.load(config.MODELS_FILE));
  const prices = checked('PRICES_FILE', () => loadPrices(config.PRICES_FILE));
  const plans = checked('PLANS_FILE', () => loadPlans(plansOptions(config, onUnknownTier)));
  const mirror = checked('MIRROR_FILE', () =>
    config.MIRROR_FILE === undefined ? undefined : loadMirror(config.MIRROR_FILE),
  );
  checked('SWITCHES_FILE', () => switchesOfFile(config));
  checked('REVOCATIONS_FILE', () => revocationsOfFile(config));
  checked('DATA_DIR', () => requireDirectory(config.DATA_DIR));
  checked('DATABASE_URL', () => requireCertificates(config.DATABASE_URL));
  if (named === undefined || models === undefined || prices === undefined || plans === undefined)
    throw new ConfigError(problems);
  const actions = new Map([...named].map(([name, action]) => [name, withIds(action, models)]));
  const defaultModel = models.resolve(config.DEFAULT_MODEL);
  problems.push(...modelProblems({ actions, plans: plans.all, models, defaultModel }, now));
  if (plans.needsPrices)
    problems.push(...unpricedModels(modelsInUse(config, { actions, plans, models, prices }), prices, now));
  problems.push(...planProblems(plans.all, actions), ...toolProblems(config, actions));
  if (problems.length > 0) throw new ConfigError(problems);
  return { actions, actionsOf: actionsByPlan(actions, plans, models), models, prices, plans, mirror };
}

/** Who calls without a signature is anybody. */
function toolProblems({ TOOLS_SECRET: secret }: Config, actions: Actions): string[] {
  const withTools = [...actions].filter(([, { tools }]) => tools !== undefined).map(([name]) => name);
  return withTools.length === 0 || secret !== undefined
    ? []
    : [
        `TOOLS_SECRET: required, since ${withTools.join(', ')} of ACTIONS_FILE lists tools; set 32 random characters or more, here and where the tools are`,
      ];
}

/** Keys that an operator set hold for every plan, their defaults where a plan says nothing. */
function plansOptions(config: Config, onUnknownTier: (tier: string) => void) {
  const { MAX_STREAMS_PER_USER: streams, STARTS_PER_MINUTE: startsPerMinute, explicit } = config;
  return {
    file: config.PLANS_FILE,
    defaults: { streams, startsPerMinute },
    overrides: {
      ...(explicit.has('MAX_STREAMS_PER_USER') ? { streams } : {}),
      ...(explicit.has('STARTS_PER_MINUTE') ? { startsPerMinute } : {}),
    },
    onUnknownTier,
  };
}

function requireDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (NEVER_A_DIRECTORY.has(code))
      throw new Error(`${message}; name a directory that this process may write to`, { cause });
  }
}
