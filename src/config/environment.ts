/**
 * The environment as one typed value: every key, its rule, its default. All bad keys are reported at once.
 * Does not open anything and reads no file: what a key points at is judged by `config-files.ts`.
 */
import * as z from 'zod';
import { LONGEST_TOKEN_LIFE_MS } from '../auth/token-user.ts';
import { ERASURES } from '../postgres/erasure.ts';
import { MOST_KEPT_HOURS } from '../quota/keep.ts';
import type { WorkerPlace } from '../workers/place.ts';
import { instanceIdOf } from './instance-id.ts';
import { isExposed, problemsOf, type SetKeys } from './rules.ts';
import { readTraces, type TracesConfig } from './traces.ts';
import { UPLOAD_DEFAULTS } from './upload-defaults.ts';
import {
  address,
  answerKeys,
  baseUrl,
  calledUrl,
  catalogName,
  cidrList,
  claimPaths,
  commaList,
  flag,
  integer,
  keyPrefix,
  milliseconds,
  origin,
  postgresUrl,
  publishableKey,
  redisUrl,
  secret,
  signingSecret,
  text,
  userRole,
  webhookSecrets,
  webUrl,
  workers,
} from './values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The schema of the contract's keys; a few defaults differ between development and production. */
function environmentSchema(production: boolean) {
  return z.object({
    PORT: integer(0, 65_535).default(8787).describe('Port of the public server; 0 picks a free one'),
    HOST: address()
      .default(production ? '0.0.0.0' : '127.0.0.1')
      .describe('Address the public server binds'),
    SHARE_PORT: flag()
      .default(false)
      .describe(
        'Whether the next relay listens on the same ports before this one ends, with a DATA_DIR of its own and the same REDIS_URL: at SIGTERM this one takes no connection more (docs/deploy.md); Linux',
      ),
    WORKERS: workers()
      .default(1)
      .describe(
        'Processes that serve the port together, each on a core: a number, or `auto` for one a core; more than one need REDIS_URL (docs/deploy.md)',
      ),
    METRICS_PORT: integer(0, 65_535)
      .default(9091)
      .describe(
        'Port of /metrics in production and beyond loopback; otherwise opened only if set, the main port has it too',
      ),
    METRICS_HOST: address().default('127.0.0.1').describe('Address /metrics binds on its own port'),
    NODE_ENV: z
      .enum(['development', 'production', 'test'], 'must be development, production or test')
      .default('development')
      .describe('`test` behaves as `development`'),
    DASH_DEVELOPMENT: flag()
      .default(false)
      .describe(
        'Lets the relay issue its own tokens also beside ANTHROPIC_API_KEY: on loopback, for development only',
      ),
    LOG_LEVEL: z
      .enum(
        ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
        'must be fatal, error, warn, info, debug, trace or silent',
      )
      .default('info')
      .describe('Lowest level that is logged; SIGUSR2 goes to `debug` and back while it runs'),
    TRACES_FROM_CLIENTS: flag()
      .default(false)
      .describe(
        'Whether spans continue the `traceparent` of who asks (a WebSocket gives a link): for callers of your own; docs/traces.md',
      ),
    TRACES_TO_MODEL: flag()
      .default(false)
      .describe("Whether the model's API, or your gateway before it, is sent a `traceparent`"),
    DATA_DIR: text().default('./.data').describe('Directory of the usage outbox and the development key'),
    ANTHROPIC_API_KEY: secret(1)
      .optional()
      .describe('API key; absent in development: the simulator answers. Required in production'),
    USER_ID_KEY: secret(32)
      .optional()
      .describe(
        'Makes the id by which the model API and tools know a user one that nobody else can compute, 32 random characters or more, the same on all machines; absent: an unsalted hash (docs/identity.md)',
      ),
    ANTHROPIC_BASE_URL: baseUrl('/v1', '/v1/messages')
      .optional()
      .describe(
        'Base URL of the Messages API, if not the public one; https, or http on loopback in production',
      ),
    DEFAULT_MODEL: text()
      .default('claude-sonnet-5-5')
      .describe('Model where neither client nor action names one'),
    ALLOWED_MODELS: commaList(text())
      .optional()
      .describe('Models clients may name, comma-separated; default: every model with a price'),
    ACTIONS_FILE: text().optional().describe('JSON file of actions in place of the shipped one'),
    TOOLS_SECRET: signingSecret(32)
      .optional()
      .describe(
        'Signs calls of the tools that actions list, 32 characters or more; required where one lists any',
      ),
    PLANS_FILE: text().optional().describe('JSON file of plans in place of the shipped one'),
    MODELS_FILE: text()
      .optional()
      .describe('JSON file of what each model takes and how it thinks, in place of the shipped one'),
    PRICES_FILE: text().optional().describe('JSON file of prices in place of the shipped one'),
    LEGACY_FUNCTIONS_URL: baseUrl('/ai-gateway', '/ai-proxy')
      .optional()
      .describe(
        "Where the app's old functions are, such as `https://….supabase.co/functions/v1`: what is not served here is passed on to them; https, or http on loopback",
      ),
    SHOW_COST: flag().default(false).describe('Whether `usage.costUsd` is sent to clients'),
    SUPABASE_URL: baseUrl('/auth/v1', '/rest/v1')
      .refine(
        (url) => !isDashboard(url),
        'is the address of the dashboard: take the project URL from its settings',
      )
      .optional()
      .describe('Project URL: gives the key set and the issuer; https, or http on loopback in production'),
    SUPABASE_PUBLISHABLE_KEY: publishableKey()
      .optional()
      .describe(
        'Publishable (or anon) key of that project: in development its users sign in on the demo page; elsewhere it is not used',
      ),
    SUPABASE_JWT_SECRET: signingSecret(32)
      .optional()
      .describe('Shared HS256 secret of a legacy or migrating project, 32 characters or more'),
    SUPABASE_JWKS_URL: webUrl()
      .optional()
      .describe('Key set, if not the one under SUPABASE_URL; https, or http on loopback in production'),
    SUPABASE_JWT_ISSUER: text().optional().describe('Expected `iss`, if not `<SUPABASE_URL>/auth/v1`'),
    SUPABASE_JWT_AUDIENCE: text().default('authenticated').describe('Expected `aud`'),
    ALLOWED_ROLES: commaList(userRole())
      .default([])
      .describe('Values of `role` in tokens that are users, beside `authenticated`, comma-separated'),
    CLAIM_TIER: claimPaths()
      .prefault('app_metadata.tier')
      .describe('Claim with the tier: a path, or several, comma-separated; the first that is there counts'),
    CLAIM_ORGANIZATION: claimPaths()
      .prefault('app_metadata.organization_id')
      .describe('Claim with the organisation, in the same way'),
    IDENTITY_VIEW: catalogName()
      .optional()
      .describe('View in DATABASE_URL with user_id, tier and organization_id, where tokens do not have them'),
    IDENTITY_TTL_MS: milliseconds()
      .default(60_000)
      .describe('How long what was read there is used without asking again, ms'),
    IDENTITY_STALE_MS: milliseconds()
      .default(86_400_000)
      .describe('How old it may be while Postgres is away, ms'),
    MAX_TOKEN_LIFE_MS: integer(60_000, LONGEST_TOKEN_LIFE_MS)
      .default(LONGEST_TOKEN_LIFE_MS)
      .describe(
        'How long after its issue a token may expire, ms; a revocation is kept for so long. A little more than the JWT expiry of the project',
      ),
    REVOCATIONS_FILE: text()
      .optional()
      .describe(
        'JSON file with revoked users, sessions and keys, read twice a second, beside those of the fleet in Redis: their tokens hold no more on this machine (docs/identity.md); it may be absent',
      ),
    ALLOWED_ORIGINS: commaList(origin())
      .default([])
      .describe('Web origins that may connect, comma-separated; the own host always may'),
    TRUST_PROXY: z
      .union([z.enum(['none', 'fly']), cidrList()])
      .default('none')
      .describe('Whose word on the client address counts: `none`, `fly`, or proxies as a CIDR list'),
    DATABASE_URL: postgresUrl()
      .optional()
      .describe(
        'Postgres for usage rows (session mode), with TLS in production; absent: the local SQLite store is the ledger',
      ),
    DATABASE_POOL: integer(1, 10)
      .default(5)
      .describe('Postgres connections at most, for quotas and usage rows together; one will do'),
    DATABASE_MIGRATION_URL: postgresUrl()
      .optional()
      .describe('Postgres as the owner, for `npm run migrate` only'),
    MIRROR_FILE: text()
      .optional()
      .describe(
        'JSON file that says into which table of the app runs are copied, for `npm run migrate`; the relay says where the database has another',
      ),
    ERASED_USERS: z
      .enum(ERASURES, `must be ${ERASURES.join(', ')}`)
      .optional()
      .describe(
        'What becomes of the usage rows of deleted users: `clear`, `pseudonymise` or `keep`; for `npm run migrate` only',
      ),
    REDIS_URL: redisUrl()
      .optional()
      .describe('Redis or Valkey for many machines; absent: one machine, log in memory'),
    REDIS_PREFIX: keyPrefix()
      .optional()
      .describe(
        'What keys and channels in Redis begin with; default: `dash:` and 12 digits that stand for the token issuer',
      ),
    INSTANCE_ID: text()
      .optional()
      .describe('Name of this machine in logs; default FLY_MACHINE_ID, or the host name'),
    RESUME_WINDOW_MS: milliseconds().default(120_000).describe('How long an ended stream can be resumed, ms'),
    ABANDON_AFTER_MS: milliseconds()
      .default(60_000)
      .describe('How long a stream goes on without a reader, ms'),
    HEARTBEAT_MS: milliseconds().default(25_000).describe('Between WebSocket pings, ms'),
    MAX_CONNECTIONS: integer(1, 1_000_000)
      .default(10_000)
      .describe('Sockets, event streams and waiting JSON callers on this machine'),
    MAX_CONNECTIONS_PER_USER: integer(1, 1_000_000).default(8).describe('The same of one user'),
    MAX_CONNECTIONS_PER_IP: integer(1, 1_000_000)
      .default(2000)
      .describe(
        'The same of one address (schools share one), and its other TCP connections; IPv6 counts by /64',
      ),
    UPGRADES_PER_SECOND_PER_IP: integer(1, 1_000_000)
      .default(500)
      .describe('Handshakes with a good token a second of one address: a school comes at the bell'),
    UNPROVEN_PER_SECOND_PER_IP: integer(1, 1_000_000)
      .default(100)
      .describe('Requests and handshakes without a good token a second of one address'),
    MAX_STREAMS_PER_CONNECTION: integer(1, 10_000).default(16).describe('Unended streams one socket follows'),
    MAX_STREAMS_PER_USER: integer(1, 10_000)
      .default(32)
      .describe('Live streams of one user, followed or not, at all doors'),
    STARTS_PER_MINUTE: integer(1, 1_000_000).default(60).describe('Starts a minute of one user'),
    FRAMES_PER_MINUTE: integer(1, 1_000_000)
      .default(240)
      .describe('Frames a minute of one socket, without ack, ping and resume; HTTP requests of one user'),
    MAX_FRAME_BYTES: integer(1024, 16_777_216)
      .default(262_144)
      .describe('Largest client frame or request body, bytes'),
    UPLOADS_PER_USER: integer(0, 1000)
      .default(10)
      .describe(
        'Photos and PDFs of one user that wait for a question; 0: none are taken, the route is not there',
      ),
    UPLOADS_USER_BYTES: integer(1024, 1_073_741_824)
      .default(UPLOAD_DEFAULTS.UPLOADS_USER_BYTES)
      .describe(
        'The same in all, bytes: what one question can have; the model API takes 32 MB a request, a third more than these',
      ),
    UPLOADS_TOTAL_BYTES: integer(1024, 1_099_511_627_776)
      .default(UPLOAD_DEFAULTS.UPLOADS_TOTAL_BYTES)
      .describe('Uploads of all users together, bytes: on this machine, or in Redis'),
    UPLOAD_MAX_BYTES: integer(1024, 33_554_432)
      .default(UPLOAD_DEFAULTS.UPLOAD_MAX_BYTES)
      .describe('Largest upload, bytes'),
    UPLOAD_MAX_SIDE_PX: integer(28, 65_535)
      .default(8000)
      .describe('Longest side of an image, pixels: the model API refuses larger ones'),
    UPLOAD_MAX_PAGES: integer(1, 1000)
      .default(50)
      .describe('Pages of a PDF: each costs as much as an image and its text'),
    UPLOAD_TTL_MS: milliseconds()
      .default(600_000)
      .describe('How long an upload waits for its question before it is deleted, ms'),
    UPLOADS_DIR: text()
      .optional()
      .describe(
        'Directory where uploads lie, of this relay alone; absent: in memory, or, with REDIS_URL, in Redis',
      ),
    KEEP_ANSWERS_HOURS: integer(0, MOST_KEPT_HOURS)
      .default(0)
      .describe(
        'How long answers last after their end, hours, also through crashes and on other machines (docs/answers.md); 0: RESUME_WINDOW_MS and no longer. `keep` of an action or a plan may say less',
      ),
    ANSWERS_KEY: answerKeys()
      .optional()
      .describe(
        'Seals kept answers, on disk and in Postgres: 32 random bytes as base64, the same on all machines; several by comma: the first seals, all open',
      ),
    STREAM_LOG_MAX_BYTES: integer(1024, 1_073_741_824)
      .default(1_048_576)
      .describe('Largest log of one stream, bytes'),
    STREAM_LOG_TOTAL_BYTES: integer(1024, 17_179_869_184)
      .default(67_108_864)
      .describe('All logs in memory, bytes'),
    MEMORY_LIMIT_BYTES: integer(67_108_864, 1_099_511_627_776)
      .optional()
      .describe(
        'Memory this machine may use, bytes, where that is less than its container or computer has: from 80 % of it new work is refused',
      ),
    MAX_EVENT_LOOP_LAG_MS: integer(0, 60_000)
      .default(250)
      .describe(
        'How late the event loop may be, half of the time, before new work is refused, ms; 0: whatever it is',
      ),
    UPSTREAM_CONNECT_MS: milliseconds().default(10_000).describe('Until the model API answers, ms'),
    UPSTREAM_IDLE_MS: milliseconds().default(60_000).describe('Between two upstream events with content, ms'),
    UPSTREAM_TOTAL_MS: milliseconds()
      .default(600_000)
      .describe('For one upstream call, ms; more where actions think at `xhigh` or `max` (docs/models.md)'),
    THINKING_TOKEN_COUNTS: flag()
      .default(false)
      .describe(
        'Whether the model API is asked to count thinking as it goes (a beta): for bills of calls that are cut',
      ),
    DRAIN_MS: milliseconds()
      .default(production ? 270_000 : 2000)
      .describe('How long live streams may finish after SIGTERM, ms'),
    RELAY_ENABLED: flag()
      .default(true)
      .describe(
        'Kill switch of the relay: false refuses every question and sends apps to their own function; what runs ends as it would',
      ),
    STREAMING_ENABLED: flag()
      .default(true)
      .describe('Kill switch of streaming: false refuses upgrades (503) and tells clients to use JSON'),
    WEBSOCKET_ROLLOUT_PERCENT: integer(0, 100)
      .default(100)
      .describe('Share of users told to use WebSockets, percent'),
    SWITCHES_FILE: text()
      .optional()
      .describe(
        'JSON file with any of relayEnabled, streamingEnabled, websocketPercent, read twice a second: what it says holds on this machine without a restart, also against the fleet; it may be absent',
      ),
    CLIENT_METRICS: flag()
      .default(true)
      .describe(
        'Whether apps may report how fast their streams were (docs/client.md): into metrics, without a user, kept nowhere; false: the route is not there',
      ),
    ALLOW_ANONYMOUS: flag().default(false).describe('Whether anonymous Supabase users are admitted'),
    WEBHOOK_URL: calledUrl()
      .optional()
      .describe(
        'Endpoint of yours that is told of each ended stream, by Standard Webhooks (docs/webhooks.md); https in production, or http with WEBHOOK_ALLOW_PRIVATE',
      ),
    WEBHOOK_SECRET: webhookSecrets()
      .optional()
      .describe(
        'Signs what is sent there: `whsec_` and the base64 of 24 to 64 random bytes; several, by comma, while one is changed for another',
      ),
    WEBHOOK_INCLUDE_TEXT: flag()
      .default(false)
      .describe(
        'Whether `stream.ended` has the text of the answer, its first 65,536 UTF-16 code units: it then lies in DATA_DIR until it is taken',
      ),
    WEBHOOK_ALLOW_PRIVATE: flag()
      .default(false)
      .describe(
        'Whether WEBHOOK_URL may lead to private, loopback and link-local addresses; in development loopback always may',
      ),
    QUOTA_ON_OUTAGE: z
      .enum(['allow', 'deny'], 'must be allow or deny')
      .default('allow')
      .describe('What starts get while quota cannot be checked'),
    COUNT_TOKENS_ABOVE: integer(0, 10_000_000)
      .default(10_000)
      .describe(
        'Prompts that are estimated to have more tokens are counted by the API, for free and beside the call, to correct what is reserved; 0: none are',
      ),
  });
}

type Values = z.output<ReturnType<typeof environmentSchema>>;
export type EnvironmentKey = keyof Values;

/** Who signs the tokens. */
export type AuthConfig =
  /** The relay itself, with a key in DATA_DIR: development on loopback only (`config-rules.ts`). */
  | { readonly kind: 'development' }
  | {
      readonly kind: 'supabase';
      readonly issuer: string;
      readonly audience: string;
      /** HS256 only by this. */
      readonly secret: string | undefined;
      /** ES256 and RS256 only by this key set. */
      readonly jwksUrl: string | undefined;
    };

/** The keys by their own names, with what follows from them. */
export interface Config extends Readonly<Omit<Values, 'INSTANCE_ID'>> {
  readonly INSTANCE_ID: string;
  readonly production: boolean;
  /** Whether others than this computer may reach the public port; always in production. */
  readonly exposed: boolean;
  /** Whether /metrics has a port of its own: in development only where METRICS_PORT asks for one. */
  readonly ownMetricsPort: boolean;
  readonly auth: AuthConfig;
  /** The export of spans, as the standard keys of OpenTelemetry ask for it. */
  readonly traces: TracesConfig | undefined;
  /**
   * Which of WORKERS this process is, and INSTANCE_ID of all of them together; undefined where it is the only one. Not read
   * here: `worker.ts` says it.
   */
  readonly worker: (Omit<WorkerPlace, 'ports'> & { readonly machine: string }) | undefined;
  /** Keys that were set: these override the plans file. */
  readonly explicit: ReadonlySet<EnvironmentKey>;
}

/** The environment is not usable. `problems` are lines `KEY: what is wrong, what to do`, without any value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the environment is not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads and judges the environment. An empty string counts as unset; keys of others are ignored.
 * @throws ConfigError naming every bad or missing key at once.
 */
export function readConfig(environment: Environment): Config {
  const set = setKeys(environment);
  const production = set.NODE_ENV === 'production';
  const schema = environmentSchema(production);
  const keys = Object.keys(schema.shape) as EnvironmentKey[];
  const parsed = schema.safeParse(set);
  const problems = keys.filter((key) => isQuoted(set[key])).map((key) => `${key}: ${QUOTED}`);
  if (!parsed.success) problems.push(...parsed.error.issues.map(describeIssue));
  problems.push(...problemsOf(set));
  const { traces, problems: tracesProblems } = readTraces(set);
  problems.push(...tracesProblems);
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return {
    ...parsed.data,
    INSTANCE_ID: instanceIdOf(set),
    production,
    exposed: isExposed(set),
    ownMetricsPort: isExposed(set) || set.METRICS_PORT !== undefined,
    auth: authConfig(parsed.data),
    traces,
    worker: undefined,
    explicit: new Set(keys.filter((key) => key in set)),
  };
}

function setKeys(environment: Environment): SetKeys {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([key, value]) => {
      const trimmed = value?.trim() ?? '';
      return trimmed === '' ? [] : [[key, trimmed]];
    }),
  );
}

/** `docker run --env-file` and some panels pass quotes on as part of the value. */
const QUOTED = 'is wrapped in quotes that are part of the value; remove them';

function isQuoted(value = ''): boolean {
  return value.length > 1 && (value.startsWith('"') || value.startsWith("'")) && value.at(0) === value.at(-1);
}

function isDashboard(url: string): boolean {
  return /^(app\.|www\.)?supabase\.(com|io)$/.test(URL.parse(url)?.hostname ?? '');
}

function describeIssue(issue: z.core.$ZodIssue): string {
  return `${String(issue.path[0])}: ${issue.message}`;
}

function authConfig(values: Values): AuthConfig {
  const { SUPABASE_URL: url, SUPABASE_JWT_SECRET: secretText, SUPABASE_JWKS_URL: jwks } = values;
  const issuer = values.SUPABASE_JWT_ISSUER ?? (url === undefined ? undefined : `${url}/auth/v1`);
  const jwksUrl = jwks ?? (url === undefined ? undefined : `${url}/auth/v1/.well-known/jwks.json`);
  if (issuer === undefined || (secretText === undefined && jwksUrl === undefined))
    return { kind: 'development' };
  return {
    kind: 'supabase',
    issuer,
    audience: values.SUPABASE_JWT_AUDIENCE,
    secret: secretText,
    jwksUrl,
  };
}

export interface EnvironmentRow {
  readonly key: EnvironmentKey;
  readonly description: string;
  /** `null`: unset by default. */
  readonly development: string | null;
  readonly production: string | null;
}

/** Every key with its defaults, in the schema's order: README's table is made from it. */
export function environmentTable(): EnvironmentRow[] {
  const development = environmentSchema(false).shape;
  const production = environmentSchema(true).shape;
  return (Object.keys(development) as EnvironmentKey[]).map((key) => ({
    key,
    description: development[key].description ?? '',
    development: defaultText(development[key]),
    production: defaultText(production[key]),
  }));
}

function defaultText(schema: z.ZodType): string | null {
  const hasDefault = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return hasDefault ? String(schema.def.defaultValue) : null;
}
