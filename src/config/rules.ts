/**
 * What only shows where several keys of the environment are seen together: what a start lacks, what must not stand
 * beside what, and what must not be trusted where it is. Judged from what is set, not from what parsed, so that one
 * start names the missing keys and the bad ones.
 */

import { isLoopbackHost, isLoopbackUrl } from '../http/admission/local-request.ts';
import type { EnvironmentKey } from './environment.ts';
import { UPLOAD_DEFAULTS } from './upload-defaults.ts';
import { isExampleSecret, isPercentEncoded, isPlaceholder } from './values.ts';
import { workerCount } from './worker-count.ts';

/** Keys of the contract that are set, and those of others that say where this process runs. */
export type SetKeys = Readonly<Partial<Record<EnvironmentKey | 'FLY_MACHINE_ID' | 'PGSSLMODE', string>>>;

/** Lines `KEY: what is wrong, what to do`, without any value. */
export function problemsOf(set: SetKeys): string[] {
  const problems = [
    isProduction(set) ? [...missingInProduction(set), ...withoutTls(set)] : [],
    plainOldFunctions(set),
    examples(set),
    isExposed(set) || set.METRICS_PORT !== undefined ? samePort(set) : [],
    missingAuthKey(set),
    identityLookup(set),
    sharedPort(set),
    workersTogether(set),
    uploadsTogether(set),
    webhookTogether(set),
  ];
  return problems.flat();
}

function sharedPort({ SHARE_PORT, REDIS_URL }: SetKeys): string[] {
  if (!isOn(SHARE_PORT) || REDIS_URL !== undefined) return [];
  return [
    'SHARE_PORT: needs REDIS_URL, by which the next process finds what this one still answers; set it, or unset SHARE_PORT',
  ];
}

/** Each of them is a machine of its own to the others, and a client meets whichever the kernel picks. */
function workersTogether({ WORKERS: wanted, REDIS_URL }: SetKeys): string[] {
  const count = workerCount(wanted) ?? 1;
  if (count === 1 || REDIS_URL !== undefined) return [];
  return [
    `WORKERS: ${count} processes need REDIS_URL, by which they share streams and limits; set it (a small Redis on this machine will do), or unset WORKERS`,
  ];
}

/** What is told of users is for nobody on the way; inside a network of one's own that may be said otherwise. */
function webhookTogether(set: SetKeys): string[] {
  const { WEBHOOK_URL: url, WEBHOOK_SECRET: secret, WEBHOOK_ALLOW_PRIVATE: allowPrivate } = set;
  if (url === undefined && secret === undefined) return [];
  if (url === undefined) return ['WEBHOOK_URL: missing beside WEBHOOK_SECRET; set it, or unset the secret'];
  const problems: string[] = [];
  if (secret === undefined)
    problems.push(
      'WEBHOOK_SECRET: missing beside WEBHOOK_URL: nobody could tell our requests from others; set whsec_ and 32 random bytes as base64',
    );
  if (isProduction(set) && URL.parse(url)?.protocol === 'http:' && !isOn(allowPrivate))
    problems.push(
      'WEBHOOK_URL: must be https in production; http is accepted with WEBHOOK_ALLOW_PRIVATE, for an endpoint inside your own network',
    );
  return problems;
}

/** A file that no quota has room for would always be refused, and for the wrong reason. */
function uploadsTogether(set: SetKeys): string[] {
  const { UPLOADS_DIR, REDIS_URL } = set;
  const { UPLOAD_MAX_BYTES: one = UPLOAD_DEFAULTS.UPLOAD_MAX_BYTES } = set;
  const { UPLOADS_USER_BYTES: own = UPLOAD_DEFAULTS.UPLOADS_USER_BYTES } = set;
  const { UPLOADS_TOTAL_BYTES: all = UPLOAD_DEFAULTS.UPLOADS_TOTAL_BYTES } = set;
  const problems: string[] = [];
  if (UPLOADS_DIR !== undefined && REDIS_URL !== undefined)
    problems.push(
      'UPLOADS_DIR: uploads lie in Redis where there is one, so that every machine has them; unset it, or REDIS_URL',
    );
  if (Number(one) > Number(own)) problems.push('UPLOADS_USER_BYTES: must not be less than UPLOAD_MAX_BYTES');
  if (Number(own) > Number(all))
    problems.push('UPLOADS_TOTAL_BYTES: must not be less than UPLOADS_USER_BYTES');
  return problems;
}

/**
 * Whether others than this computer may reach the public port: then routes of development stay shut on it, whatever
 * NODE_ENV says. It is forgotten easily.
 */
export function isExposed(set: SetKeys): boolean {
  return isProduction(set) || audienceOf(set) !== undefined;
}

function isProduction({ NODE_ENV: mode }: SetKeys): boolean {
  return mode === 'production';
}

/** Why others may reach the public port of a development relay. */
function audienceOf(set: SetKeys): string | undefined {
  if (set.HOST !== undefined && !isLoopbackHost(set.HOST)) return 'HOST is not loopback';
  if (Object.keys(set).some((key) => key.startsWith('FLY_'))) return 'this is a Fly machine';
  if ((set.TRUST_PROXY ?? 'none') !== 'none') return 'TRUST_PROXY says that a proxy brings others here';
  return undefined;
}

function missingInProduction(set: SetKeys): string[] {
  const problems: string[] = [];
  if (!set.ANTHROPIC_API_KEY)
    problems.push('ANTHROPIC_API_KEY: required in production; set it to your API key');
  if (isOn(set.DASH_DEVELOPMENT))
    problems.push('DASH_DEVELOPMENT: is not for production; unset it, or NODE_ENV');
  return problems;
}

function isOn(value: string | undefined): boolean {
  return value === '1' || value === 'true';
}

/** What is believed from there (keys that sign users' tokens, streams, usage) must not be read or changed on the way. */
function withoutTls(set: SetKeys): string[] {
  const plain = PLAIN_URLS.flatMap(([key, protocol, problem]) => {
    const url = set[key] ?? '';
    return URL.parse(url)?.protocol === protocol && !isLoopbackUrl(url) ? [`${key}: ${problem}`] : [];
  });
  const databases = (['DATABASE_URL', 'DATABASE_MIGRATION_URL'] as const).flatMap((key) =>
    isPlainPostgres(set[key], set.PGSSLMODE) ? [`${key}: ${POSTGRES_TLS}`] : [],
  );
  return [...plain, ...databases];
}

/** A user's token goes there, whatever the mode. */
function plainOldFunctions({ LEGACY_FUNCTIONS_URL: url = '' }: SetKeys): string[] {
  return URL.parse(url)?.protocol === 'http:' && !isLoopbackUrl(url)
    ? [
        'LEGACY_FUNCTIONS_URL: must be https, since tokens of users are sent there; http is accepted on loopback only',
      ]
    : [];
}

const WEB_TLS = 'must be https in production; http is accepted on loopback only';
const PLAIN_URLS = [
  ['ANTHROPIC_BASE_URL', 'http:', WEB_TLS],
  ['SUPABASE_URL', 'http:', WEB_TLS],
  ['SUPABASE_JWKS_URL', 'http:', WEB_TLS],
  ['REDIS_URL', 'redis:', 'must be rediss:// (TLS) in production; redis:// is accepted on loopback only'],
] as const;
const POSTGRES_TLS =
  'must have TLS in production: add sslmode=verify-full; without it only loopback and sockets are accepted';

/** As the driver decides it: the URL's own words first, then PGSSLMODE; nothing said is no TLS. */
function isPlainPostgres(text = '', fromEnvironment = ''): boolean {
  const url = URL.parse(text);
  if (url === null || !isPercentEncoded(text)) return false; // refused for that already
  const parameter = (name: string): string => url.searchParams.get(name) ?? '';
  const host = parameter('host') || decodeURIComponent(url.hostname);
  if (host === '' || host.startsWith('/') || isLoopbackHost(host)) return false;
  const mode = parameter('sslmode');
  if (mode !== '') return mode === 'disable';
  const asked = /^(true|1)$/.test(parameter('ssl')) || parameter('sslnegotiation') === 'direct';
  const refused = /^(false|0)$/.test(parameter('ssl'));
  const named = ['sslrootcert', 'sslcert', 'sslkey'].some((name) => parameter(name) !== '');
  return !(asked || named || (!refused && TLS_MODES.test(fromEnvironment)));
}

const TLS_MODES = /^(prefer|require|verify-ca|verify-full|no-verify)$/;

/** Whoever reads the same documents has these too. On one's own computer, and for simulated answers, they do no harm. */
function examples(set: SetKeys): string[] {
  const atStake = isProduction(set) || (isExposed(set) && set.ANTHROPIC_API_KEY !== undefined);
  const problems = NEVER_VALUES.flatMap((key) =>
    isPlaceholder(set[key] ?? '') ? [`${key}: is a placeholder of an example; set your own`] : [],
  );
  if (!atStake) return problems;
  if (isExampleSecret(set.SUPABASE_JWT_SECRET ?? ''))
    problems.push(
      'SUPABASE_JWT_SECRET: is published as an example, or easily guessed, so anybody can sign tokens with it; take your own from the project settings',
    );
  if (isExampleSecret(set.USER_ID_KEY ?? ''))
    problems.push(
      'USER_ID_KEY: is published as an example, or easily guessed, so anybody can tell whose id it makes; set 32 random characters of your own',
    );
  for (const key of ['DATABASE_URL', 'DATABASE_MIGRATION_URL', 'REDIS_URL'] as const) {
    const password = URL.parse(set[key] ?? '')?.password ?? '';
    if (isPlaceholder(password))
      problems.push(`${key}: its password is published as an example; set your own`);
  }
  return problems;
}

/** Placeholders there stand for nothing: no service knows them. */
const NEVER_VALUES = ['ANTHROPIC_API_KEY', 'SUPABASE_URL'] as const;

function samePort({ PORT: port = '8787', METRICS_PORT: metrics = '9091' }: SetKeys): string[] {
  if (Number(port) === 0 || Number(port) !== Number(metrics)) return [];
  return ['METRICS_PORT: must differ from PORT; two servers cannot share one, and /metrics never is public'];
}

function missingAuthKey(set: SetKeys): string[] {
  const hasKeys = set.SUPABASE_URL ?? set.SUPABASE_JWKS_URL ?? set.SUPABASE_JWT_SECRET;
  if (hasKeys !== undefined)
    return set.SUPABASE_URL || set.SUPABASE_JWT_ISSUER
      ? []
      : ['SUPABASE_JWT_ISSUER: missing; set it or SUPABASE_URL, so that `iss` can be checked'];
  for (const key of ['SUPABASE_JWT_ISSUER', 'SUPABASE_JWT_AUDIENCE'] as const) {
    if (set[key] !== undefined)
      return [
        `${key}: names an issuer without its keys; set SUPABASE_URL, SUPABASE_JWKS_URL or SUPABASE_JWT_SECRET, or unset it`,
      ];
  }
  const obstacle = developmentIssuerObstacle(set);
  return obstacle === undefined
    ? []
    : [`SUPABASE_URL: missing; set it (or SUPABASE_JWKS_URL, or SUPABASE_JWT_SECRET): ${obstacle}`];
}

function identityLookup(set: SetKeys): string[] {
  const { IDENTITY_TTL_MS: ttl = '60000', IDENTITY_STALE_MS: stale = '86400000' } = set;
  const problems: string[] = [];
  if (set.IDENTITY_VIEW !== undefined && set.DATABASE_URL === undefined)
    problems.push('IDENTITY_VIEW: needs DATABASE_URL, the database that has the view');
  if (Number(stale) < Number(ttl)) problems.push('IDENTITY_STALE_MS: must not be less than IDENTITY_TTL_MS');
  return problems;
}

/** Why this process must not sign tokens of its own: others could get one, or one would cost money. */
function developmentIssuerObstacle(set: SetKeys): string | undefined {
  const audience = isProduction(set) ? 'NODE_ENV is production' : audienceOf(set);
  if (audience !== undefined) return `${audience}, so the relay may not issue tokens itself`;
  if (set.ANTHROPIC_API_KEY === undefined || isOn(set.DASH_DEVELOPMENT)) return undefined;
  return 'ANTHROPIC_API_KEY is set, so answers cost money, and the relay may not issue tokens itself; without that key the simulated model answers, and DASH_DEVELOPMENT=1 lets everybody on this computer ask at your cost';
}
