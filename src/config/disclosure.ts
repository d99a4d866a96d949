/**
 * What the log may say of each key of the environment, which is the one place where that is decided: its value, of a URL
 * where it leads, or only that it is set. A key that stands in none of the lists does not compile.
 */
import type { Config, EnvironmentKey } from './environment.ts';

/** Said as they are. */
const PUBLIC = [
  'PORT',
  'HOST',
  'SHARE_PORT',
  'WORKERS',
  'METRICS_PORT',
  'METRICS_HOST',
  'NODE_ENV',
  'DASH_DEVELOPMENT',
  'LOG_LEVEL',
  'TRACES_FROM_CLIENTS',
  'TRACES_TO_MODEL',
  'DATA_DIR',
  'DEFAULT_MODEL',
  'ALLOWED_MODELS',
  'ACTIONS_FILE',
  'PLANS_FILE',
  'MODELS_FILE',
  'PRICES_FILE',
  'SHOW_COST',
  'SUPABASE_JWT_AUDIENCE',
  'ALLOWED_ROLES',
  'CLAIM_TIER',
  'CLAIM_ORGANIZATION',
  'IDENTITY_VIEW',
  'IDENTITY_TTL_MS',
  'IDENTITY_STALE_MS',
  'MAX_TOKEN_LIFE_MS',
  'REVOCATIONS_FILE',
  'ALLOWED_ORIGINS',
  'TRUST_PROXY',
  'DATABASE_POOL',
  'MIRROR_FILE',
  'ERASED_USERS',
  'REDIS_PREFIX',
  'INSTANCE_ID',
  'RESUME_WINDOW_MS',
  'ABANDON_AFTER_MS',
  'HEARTBEAT_MS',
  'MAX_CONNECTIONS',
  'MAX_CONNECTIONS_PER_USER',
  'MAX_CONNECTIONS_PER_IP',
  'UPGRADES_PER_SECOND_PER_IP',
  'UNPROVEN_PER_SECOND_PER_IP',
  'MAX_STREAMS_PER_CONNECTION',
  'MAX_STREAMS_PER_USER',
  'STARTS_PER_MINUTE',
  'FRAMES_PER_MINUTE',
  'MAX_FRAME_BYTES',
  'UPLOADS_PER_USER',
  'UPLOADS_USER_BYTES',
  'UPLOADS_TOTAL_BYTES',
  'UPLOAD_MAX_BYTES',
  'UPLOAD_MAX_SIDE_PX',
  'UPLOAD_MAX_PAGES',
  'UPLOAD_TTL_MS',
  'UPLOADS_DIR',
  'KEEP_ANSWERS_HOURS',
  'STREAM_LOG_MAX_BYTES',
  'STREAM_LOG_TOTAL_BYTES',
  'UPSTREAM_CONNECT_MS',
  'UPSTREAM_IDLE_MS',
  'UPSTREAM_TOTAL_MS',
  'MEMORY_LIMIT_BYTES',
  'MAX_EVENT_LOOP_LAG_MS',
  'THINKING_TOKEN_COUNTS',
  'DRAIN_MS',
  'RELAY_ENABLED',
  'STREAMING_ENABLED',
  'WEBSOCKET_ROLLOUT_PERCENT',
  'SWITCHES_FILE',
  'ALLOW_ANONYMOUS',
  'CLIENT_METRICS',
  'WEBHOOK_INCLUDE_TEXT',
  'WEBHOOK_ALLOW_PRIVATE',
  'QUOTA_ON_OUTAGE',
  'COUNT_TOKENS_ABOVE',
] as const satisfies readonly EnvironmentKey[];

/** Said without user, password and parameters, of which `sslmode` alone stays. */
const URLS = [
  'ANTHROPIC_BASE_URL',
  'LEGACY_FUNCTIONS_URL',
  'SUPABASE_URL',
  'SUPABASE_JWKS_URL',
  'SUPABASE_JWT_ISSUER',
  'DATABASE_URL',
  'DATABASE_MIGRATION_URL',
  'REDIS_URL',
  'WEBHOOK_URL',
] as const satisfies readonly EnvironmentKey[];

/** Only that they are set. */
const SECRETS = [
  'ANTHROPIC_API_KEY',
  'USER_ID_KEY',
  'TOOLS_SECRET',
  'ANSWERS_KEY',
  'WEBHOOK_SECRET',
  'SUPABASE_PUBLISHABLE_KEY',
  'SUPABASE_JWT_SECRET',
] as const satisfies readonly EnvironmentKey[];

export const DISCLOSURE = {
  ...disclosed(PUBLIC, 'public'),
  ...disclosed(URLS, 'url'),
  ...disclosed(SECRETS, 'secret'),
} satisfies Readonly<Record<EnvironmentKey, Disclosure>>;

type Disclosure = 'public' | 'url' | 'secret';

function disclosed<const Key extends EnvironmentKey>(keys: readonly Key[], as: Disclosure) {
  return Object.fromEntries(keys.map((key) => [key, as])) as Record<Key, Disclosure>;
}

/** The keys that are set, each as the log may have it: what is not there has the default that README names. */
export function disclosedSettings(config: Config): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...config.explicit].map((key) => [key, disclosedValue(key, config[key])]));
}

function disclosedValue(key: EnvironmentKey, value: unknown): unknown {
  const as = DISCLOSURE[key];
  if (as === 'public') return isClaims(key, value) ? value.map((path) => path.join('.')) : value;
  return as === 'url' ? destination(String(value)) : 'set';
}

/** Paths of claims are read into their parts. */
function isClaims(key: EnvironmentKey, value: unknown): value is readonly (readonly string[])[] {
  return (key === 'CLAIM_TIER' || key === 'CLAIM_ORGANIZATION') && Array.isArray(value);
}

/** What is no URL may be anything; where an `@` stands after the host, that is the user, and the password is in what follows. */
function destination(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.host === '' || /@/.test(url.pathname + url.search + url.hash)) return 'set';
  const mode = url.searchParams.get('sslmode') ?? '';
  return `${url.protocol}//${url.host}${url.pathname}${/^[a-z-]{1,16}$/.test(mode) ? `?sslmode=${mode}` : ''}`;
}
