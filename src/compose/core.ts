/** The core and what it runs on: the model's API or the simulator, stream logs, the runs of other machines. */
import type { OpenSharedRuns } from '../cluster/open-shared-runs.ts';
import type { StoreSharedRuns } from '../cluster/shared-runs.ts';
import type { Config } from '../config/environment.ts';
import type { ConfigFiles } from '../config/files.ts';
import type { ModelWatch } from '../models/model-watch.ts';
import { API_ERROR, API_STATUS, known, REDIS_REASON } from '../observability/metric-labels.ts';
import type { Tracer } from '../observability/port.ts';
import { HOUR_MS } from '../quota/keep.ts';
import { createStartLimit } from '../quota/start-limit.ts';
import { Relay } from '../relay/relay.ts';
import type { RequestPolicy } from '../run/request.ts';
import { type UserHash, userHashBy } from '../run/user-hash.ts';
import { SCRIPTED_MODELS } from '../simulator/behaviour.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { MemoryStreamLogs } from '../stream-log/memory.ts';
import type { StreamLogs } from '../stream-log/port.ts';
import { systemClock } from '../time/clock.ts';
import { ToolCaller } from '../tools/tool-caller.ts';
import { ToolLoop } from '../tools/tool-loop.ts';
import type { Uploads } from '../uploads/uploads.ts';
import { type AnthropicUpstream, createAnthropicUpstream } from '../upstream/anthropic.ts';
import type { Upstream } from '../upstream/port.ts';
import type { Accounts } from './accounts.ts';
import type { Telemetry } from './metrics.ts';
import { composeModels } from './models.ts';
import { WatchedRevocations } from './revocations.ts';
import type { Settings } from './settings.ts';
import { WatchedSwitches } from './switches.ts';
import { composeUploads } from './uploads.ts';
import { endingRead, runEvents } from './webhooks.ts';

export interface Core {
  readonly relay: Relay;
  /** As the environment and the file have them: those of the fleet are not read yet. */
  readonly switches: WatchedSwitches;
  /** As the file has them, and the copy of the fleet's: those are not read yet. */
  readonly watchedRevocations: WatchedRevocations;
  readonly upstream: AnthropicUpstream;
  /** Not watched yet. */
  readonly models: ModelWatch;
  readonly logs: MemoryStreamLogs;
  /** Undefined where none are taken. */
  readonly uploads: Uploads | undefined;
  /** Undefined where this is the only machine. */
  readonly shared: StoreSharedRuns | undefined;
}

export interface CoreOptions {
  readonly version: string;
  readonly simulator: Simulator | undefined;
  readonly tracer: Tracer;
}

export async function composeCore(
  config: Config,
  settings: Settings,
  accounts: Accounts,
  { version, simulator, tracer }: CoreOptions,
  telemetry: Telemetry,
): Promise<Core> {
  const { logger } = telemetry;
  const { authenticator, developmentIssuer, ledger, quota, revocations, answers } = accounts;
  const upstream = composeUpstream(config, simulator, telemetry);
  const models = composeModels(config, settings, upstream, telemetry);
  const logs = new MemoryStreamLogs({
    maxBytes: config.STREAM_LOG_MAX_BYTES,
    totalBytes: config.STREAM_LOG_TOTAL_BYTES,
  });
  const issuer = config.auth.kind === 'supabase' ? config.auth.issuer : (developmentIssuer?.kid ?? '');
  const shared = await composeShared(config, issuer, logs, accounts, telemetry);
  const switches = new WatchedSwitches(config, shared?.switches, logger);
  const watchedRevocations = new WatchedRevocations(config, shared?.revocations, revocations, logger);
  const uploads = await composeUploads(config, accounts, telemetry, shared?.uploads);
  const scripted = simulator === undefined ? [] : SCRIPTED_MODELS;
  const userHash = userHashBy(config.USER_ID_KEY);
  const relay = new Relay({
    version,
    authenticator,
    upstream: withTools(upstream, config, telemetry),
    logs,
    shared: shared?.streams,
    ledger,
    quota,
    startLimit: createStartLimit(),
    limitsOf: (principal) => settings.now.plans.limitsOf(principal),
    isRevoked: (principal) => revocations.has(principal),
    isEnabled: () => switches.now.relayEnabled.value,
    observer: telemetry.observer,
    tracer,
    uploads,
    answers,
    events: runEvents(config, accounts),
    clock: systemClock,
    policy: settings.derived((files) => requestPolicy(config, files, models, { scripted, userHash })),
    showCost: config.SHOW_COST,
    countTokensAbove: config.COUNT_TOKENS_ABOVE,
    heartbeatMs: config.HEARTBEAT_MS,
    resumeWindowMs: config.RESUME_WINDOW_MS,
    abandonAfterMs: config.ABANDON_AFTER_MS,
    limits: {
      streams: config.MAX_STREAMS_PER_CONNECTION,
      frameBytes: config.MAX_FRAME_BYTES,
      framesPerMinute: config.FRAMES_PER_MINUTE,
    },
  });
  return { relay, switches, watchedRevocations, upstream, models, logs, uploads, shared: shared?.streams };
}

function requestPolicy(
  { DEFAULT_MODEL, ALLOWED_MODELS, KEEP_ANSWERS_HOURS }: Config,
  { actionsOf, models: table, prices }: ConfigFiles,
  models: ModelWatch,
  { scripted, userHash }: { readonly scripted: readonly string[]; readonly userHash: UserHash },
): RequestPolicy {
  const allowed = ALLOWED_MODELS ?? [...prices.models, ...scripted];
  return {
    actionsOf,
    models,
    defaultModel: table.resolve(DEFAULT_MODEL),
    allowedModels: new Set(allowed.map((id) => table.resolve(id))),
    userHash,
    keep: KEEP_ANSWERS_HOURS * HOUR_MS,
  };
}

function composeUpstream(
  config: Config,
  simulator: Simulator | undefined,
  { logger, metrics }: Telemetry,
): AnthropicUpstream {
  return createAnthropicUpstream({
    apiKey: config.ANTHROPIC_API_KEY ?? 'simulated',
    baseURL: simulator?.url ?? config.ANTHROPIC_BASE_URL,
    timeouts: {
      connectMs: config.UPSTREAM_CONNECT_MS,
      idleMs: config.UPSTREAM_IDLE_MS,
      totalMs: config.UPSTREAM_TOTAL_MS,
    },
    thinkingTokenCounts: config.THINKING_TOKEN_COUNTS,
    clock: systemClock,
    onAttemptFailed(event) {
      logger.warn(event, 'upstream attempt failed');
      if (event.fallback !== null) metrics.fallbacks.inc({ reason: event.error });
    },
    onAttemptOver: ({ status, errorCode }) =>
      metrics.upstreamResponses.inc({
        status: known(API_STATUS, String(status ?? 'none')),
        error_code: known(API_ERROR, errorCode ?? 'none'),
      }),
    onAccountFailed: (failure) => logger.error(failure, ACCOUNT_FAILS),
    onAccountRecovered: () => logger.info("the account at the model's API works again"),
  });
}

/** Undefined secret: no action has tools. */
function withTools(
  upstream: Upstream,
  { TOOLS_SECRET: secret, UPSTREAM_TOTAL_MS: totalMs }: Config,
  { logger, metrics }: Telemetry,
): Upstream {
  if (secret === undefined) return upstream;
  const caller = new ToolCaller({
    secret,
    clock: systemClock,
    onCalled({ ms, ...event }) {
      const { tool, outcome } = event;
      metrics.toolCalls.inc({ tool, outcome });
      if (!NOT_CALLED.has(outcome)) metrics.toolDuration.observe({ tool }, ms / 1000);
      const level = OF_THE_MODEL.has(outcome) ? 'info' : 'warn';
      logger[level]({ ...event, ms: Math.round(ms * 10) / 10 }, 'tool called');
    },
  });
  return new ToolLoop({ upstream, caller, clock: systemClock, totalMs });
}

/** Nothing was sent: that it took no time says nothing of the tool. */
const NOT_CALLED: ReadonlySet<string> = new Set(['bad_input', 'unknown_tool', 'too_many']);

/** As it should be, or nothing that an operator could mend. */
const OF_THE_MODEL: ReadonlySet<string> = new Set(['answered', 'stopped', 'bad_input', 'unknown_tool']);

const ACCOUNT_FAILS =
  "the account at the model's API does not work: see to its key, its money, its rights or its models";

/** Lets many machines serve one another's streams; undefined where this is the only one. */
async function composeShared(
  config: Config,
  issuer: string,
  logs: StreamLogs,
  accounts: Accounts,
  { logger, metrics, sampled }: Telemetry,
): Promise<OpenSharedRuns | undefined> {
  if (config.REDIS_URL === undefined) return undefined;
  const { openSharedRuns } = await import('../cluster/open-shared-runs.ts');
  return openSharedRuns({
    url: config.REDIS_URL,
    prefix: config.REDIS_PREFIX,
    issuer,
    instanceId: config.INSTANCE_ID,
    siblings: config.worker?.siblings,
    onRead: (epoch) => endingRead(accounts, epoch),
    logs,
    clock: systemClock,
    longestRunMs: config.UPSTREAM_TOTAL_MS,
    endedMs: config.RESUME_WINDOW_MS,
    onDown({ code: reason, operation, hint }) {
      metrics.redisFailures.inc({ reason: known(REDIS_REASON, reason) });
      logger.warn({ reason, operation, hint }, 'redis is away: streams go on here');
    },
    onUp: (prefix) => logger.info({ prefix }, 'redis is reached'),
    onMalformed: (what, epoch) => sampled.write(MALFORMED, undefined, { what, epoch }),
    onFormats: (formats) => logger.warn({ formats }, OTHER_FORMATS[formats.length === 0 ? 'gone' : 'there']),
  });
}

const MALFORMED = {
  level: 'error',
  message: 'malformed in redis: that stream is lost to other machines',
  lines: 20,
  fields: {},
} as const;

const OTHER_FORMATS = {
  there:
    'relays of another version are on this redis: no stream moves between them and this one until they are gone',
  gone: 'no relay of another version is on this redis any more',
} as const;
