/** How the text of an environment key becomes a value. Messages say what to do and never repeat the text: it may be a secret. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { claimPathFault, parseClaimPath } from '../auth/claim-path.ts';
import { postgresUrlFault } from '../postgres/connection-url.ts';
import { MOST_WORKERS, workerCount } from './worker-count.ts';

/** Node runs a timer of more than 2^31 - 1 ms at once instead of later; what is added to a key has its room below that. */
const LONGEST_TIMER_MS = 2_147_483_647 - 60_000;

/** A whole number in decimal digits. */
export function integer(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

/** A number of processes, or `auto`. */
export function workers() {
  return z.string().transform((written, context) => {
    const count = workerCount(written);
    if (count !== undefined) return count;
    context.addIssue({
      code: 'custom',
      message: `must be auto, or a whole number from 1 to ${MOST_WORKERS}`,
    });
    return z.NEVER;
  });
}

export function milliseconds() {
  return integer(1, LONGEST_TIMER_MS);
}

export function flag() {
  return z
    .enum(['true', 'false', '1', '0'], 'must be true, false, 1 or 0')
    .transform((value) => value === 'true' || value === '1');
}

/** One line of text. */
export function text() {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
  return z.string().regex(/^[^\x00-\x1f\x7f]+$/, 'must be one line of text without control characters');
}

export function secret(minLength: number) {
  return z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
    .min(minLength, {
      message: `must have ${minLength} characters or more`,
    });
}

/** Keys of 32 bytes as base64, by comma: the first seals. What stands for bytes that nobody drew is refused. */
export function answerKeys() {
  return z.string().transform((text, context) => {
    const keys = text.split(',').map((each) => Buffer.from(each.trim(), 'base64'));
    const isKey = (key: Buffer, at: number) =>
      key.length === KEY_BYTES &&
      key.toString('base64') === text.split(',')[at]?.trim() &&
      new Set(key).size >= FEWEST_CHARACTERS;
    if (keys.every(isKey)) return keys;
    context.addIssue({
      code: 'custom',
      message: 'must be 32 random bytes as base64, several by comma: make one with `openssl rand -base64 32`',
    });
    return z.NEVER;
  });
}

const KEY_BYTES = 32;

/** A secret that signs tokens. What signs nothing is told apart from it: with an API key every token would be refused. */
export function signingSecret(minLength: number) {
  return secret(minLength).refine(
    (value) => !/^(sb_|eyJ[\w-]*\.)/.test(value),
    'is an API key, which signs no tokens: take the JWT secret from the project settings',
  );
}

/** The key of a project that its pages have. One that opens all of the project would be handed to every browser. */
export function publishableKey() {
  return secret(1).refine(
    (value) => !value.startsWith('sb_secret_') && !['service_role', 'supabase_admin'].includes(roleOf(value)),
    'is a secret key, which no browser may have: take the publishable (or anon) key from the project settings',
  );
}

/** Of a legacy key, which is a token; '' of any other. */
function roleOf(key: string): string {
  try {
    const claims: unknown = JSON.parse(Buffer.from(key.split('.')[1] ?? '', 'base64url').toString());
    return String((claims as { readonly role?: unknown } | null)?.role ?? '');
  } catch {
    return ''; // no token
  }
}

/** Words by which documents stand in for a value of one's own. */
const PLACEHOLDER =
  /^(<|\[|%3c|%5b)?\W*(your|insert|replace|change|enter)[-_ .]|^(<|\[|%3c|%5b).*(>|\]|%3e|%5d)$|placeholder|change-?_?me|super[-_ ]?secret|\.{3}|x{6}|^https:\/\/(your[-_]|xyzcompany\.)/i;
/** Secrets of documents and templates that have no such words: of a JWT debugger, of PostgREST, of our own compose file. */
const PUBLISHED =
  /^(a-(valid-)?string-secret|your-\d+-bit-secret|(really)+verysafe|only-for-this-computer|secret[-_]?key)|at[-_]least[-_]\d+/i;
/** Of random hexadecimal digits nearly all have more different ones. */
const FEWEST_CHARACTERS = 8;

/** Whether it stands in for a value, as documents have it. */
export function isPlaceholder(value: string): boolean {
  return PLACEHOLDER.test(value);
}

/** Whether a secret is known to others than its owner, or made of a few characters over and over. */
export function isExampleSecret(value: string): boolean {
  return (
    isPlaceholder(value) || PUBLISHED.test(value) || (value !== '' && new Set(value).size < FEWEST_CHARACTERS)
  );
}

/** Of a table or view as the catalog has it: it is quoted. */
export function catalogName() {
  return z
    .string()
    .regex(
      /^([A-Za-z_][\w$]{0,62}\.)?[A-Za-z_][\w$]{0,62}$/,
      'must be a name such as dash_relay.identity, without quotes',
    );
}

/** Stands in key names and in patterns that match them. */
export function keyPrefix() {
  return z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'must be 1 to 64 of A-Z, a-z, 0-9, ., _, : and -');
}

/** An IP address or a host name. */
export function address() {
  return z
    .string()
    .refine(
      (value) => isIP(value) !== 0 || /^[\w-]+(\.[\w-]+)*$/.test(value),
      'must be an address or a host name',
    );
}

/** An http or https URL without query, as a browser spells it. It is called as it stands: a slash at its end makes it another. */
export function endpointUrl() {
  return urlWithout(['search', 'hash', 'username', 'password'], 'credentials, query and fragment');
}

/** The same, with a query where it has one. */
export function calledUrl() {
  return urlWithout(['hash', 'username', 'password'], 'credentials and fragment');
}

function urlWithout(parts: readonly ('search' | 'hash' | 'username' | 'password')[], words: string) {
  return z
    .string()
    .refine((value) => {
      const url = URL.parse(value);
      const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:';
      return isWeb && parts.every((part) => url[part] === '');
    }, `must be an http(s) URL without ${words}`)
    .refine(isPercentEncoded, PERCENT)
    .transform((value) => new URL(value).href);
}

/** An http or https URL without query, returned as a browser spells it, without a trailing slash. */
export function webUrl() {
  return endpointUrl().transform((value) => value.replace(/\/+$/, ''));
}

/** Bytes of a secret that signs webhooks, as Standard Webhooks has it. */
const WEBHOOK_SECRET_BYTES = { least: 24, most: 64 } as const;

/** Secrets that sign webhooks, several while one is changed for another: `whsec_` and base64, by space or comma. */
export function webhookSecrets() {
  return z
    .string()
    .transform((value) => value.split(/[\s,]+/).filter((secret) => secret !== ''))
    .refine(
      (secrets) => secrets.length > 0 && secrets.length <= 5 && secrets.every(isWebhookSecret),
      `must be whsec_ and the base64 of ${WEBHOOK_SECRET_BYTES.least} to ${WEBHOOK_SECRET_BYTES.most} random bytes, or up to five such, by space or comma`,
    );
}

function isWebhookSecret(secret: string): boolean {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  if (base64 === undefined) return false;
  const bytes = Buffer.from(base64, 'base64');
  const isWhole = bytes.toString('base64') === base64; // the library refuses what is not padded
  return isWhole && bytes.length >= WEBHOOK_SECRET_BYTES.least && bytes.length <= WEBHOOK_SECRET_BYTES.most;
}

/** A web URL whose path does not end in one of these: what is appended to it begins with the same. */
export function baseUrl(...endings: readonly string[]) {
  return webUrl().refine(
    (value) => !endings.some((ending) => value.endsWith(ending)),
    `must end before ${endings.join(' or ')}, which is appended to it`,
  );
}

/** A URL with a host, as drivers read it. */
export function serviceUrl(...schemes: readonly [string, ...string[]]) {
  return z
    .string()
    .refine(
      (value) => schemes.some((scheme) => URL.parse(value)?.protocol === `${scheme}:`),
      `must be a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
    )
    .refine(isPercentEncoded, PERCENT);
}

/** A URL of Postgres; files it names are judged by `config-files.ts`. */
export function postgresUrl() {
  return z
    .string()
    .superRefine((value, context) => {
      const message = postgresUrlFault(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .refine(isPercentEncoded, PERCENT);
}

/** A URL of Redis; its path is the number of the database. */
export function redisUrl() {
  return serviceUrl('redis', 'rediss')
    .refine((value) => URL.parse(value)?.hostname !== '', 'must name a host')
    .refine(
      (value) => /^\/?\d{0,4}$/.test(URL.parse(value)?.pathname ?? ''),
      'what follows the host must be the number of a database such as /0, or nothing',
    );
}

const PERCENT = 'has a % that stands for nothing: write %25 for a % itself, as in a password';

/** Drivers decode each part of a URL, and fail at each attempt to connect where they cannot. */
export function isPercentEncoded(value: string): boolean {
  try {
    decodeURIComponent(value);
    return true;
  } catch {
    return false;
  }
}

/** `scheme://host[:port]`, spelled as a browser sends it: comparison is exact. */
export function origin() {
  return z
    .string()
    .refine(
      (value) =>
        /^https?:/i.test(value)
          ? URL.parse(value)?.origin === value
          : /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.:-]+$/.test(value),
      'each must be an origin in lower case such as https://app.example.com, without a path',
    );
}

/** At least one item between commas; empty items are ignored. */
export function commaList<Item extends z.ZodType<string, string>>(item: Item) {
  return z.string().transform(splitCommas).pipe(z.array(item).min(1, 'must name at least one entry'));
}

/** Paths of claims, the one that counts first. */
export function claimPaths() {
  const path = z.string().superRefine((value, context) => {
    const message = claimPathFault(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
  return commaList(path).transform((paths) => paths.map(parseClaimPath));
}

/** Whom these name is a server with an API key, or the database itself: no user, and nobody who is to be counted. */
const NO_USERS = /^(anon|service_role|authenticator|dashboard_user|postgres|pgbouncer|pg_.*|supabase_.*)$/i;

/** The `role` of users in a token. */
export function userRole() {
  return z
    .string()
    .regex(/^[A-Za-z0-9][\w:.-]{0,62}$/, 'each must be a word such as teacher')
    .refine(
      (role) => !NO_USERS.test(role),
      'anon, service_role and roles of the database are no users: leave them out',
    );
}

export function cidrList() {
  return commaList(
    z
      .string()
      .refine(isCidr, 'must be none, fly or a comma-separated list of CIDRs such as 10.0.0.0/8')
      .refine(
        (value) => !isAnybody(value),
        'trusts the word of anybody: name the addresses of your own proxies, such as 10.0.0.0/8',
      ),
  );
}

function splitCommas(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Wider than the widest private networks: 10.0.0.0/8, fc00::/7, and the former as IPv6 maps it. */
function isAnybody(value: string): boolean {
  const [network = '', prefix = '128'] = value.split('/');
  if (isIP(network) === 4) return Number(prefix) < 8;
  return Number(prefix) < (/^::ffff:/i.test(network) ? 104 : 7);
}

function isCidr(value: string): boolean {
  const [network = '', prefix, ...rest] = value.split('/');
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(network)] ?? -1;
  return (
    rest.length === 0 &&
    bits > 0 &&
    (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits))
  );
}
