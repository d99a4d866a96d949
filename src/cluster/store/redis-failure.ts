/**
 * Why Redis cannot be used, in a word. Redis puts one before its messages (`NOPERM`, `OOM`), Node gives codes
 * (`ENOTFOUND`, `CERT_HAS_EXPIRED`); what the client says by itself only means that there is no connection, and then
 * the reason is why that one was lost. Messages are not kept: they quote keys and users.
 */

/** A word and what to do. Words that are not here speak for themselves. */
const HINTS: readonly (readonly [words: RegExp, hint: string])[] = [
  [/^(WRONGPASS|NOAUTH)$/, 'user or password in REDIS_URL are wrong'],
  [
    /^NOPERM$/,
    'the ACL of the user in REDIS_URL lacks commands, keys or channels: docs/deploy.md has what it needs',
  ],
  [/^(CROSSSLOT|MOVED|CLUSTERDOWN)$/, 'REDIS_URL is a cluster of shards: the relay needs one Redis'],
  [
    /CERT|SIGNATURE|^ERR_(TLS|SSL)/,
    'TLS: the certificate is not trusted, has expired or is for another host, or it is no TLS port',
  ],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'DNS: the host in REDIS_URL has no address'],
  [/^ECONNREFUSED$/, 'nothing listens at the address in REDIS_URL'],
  [/^(TIMEOUT|ETIMEDOUT)$/, 'no answer in time: the network, or a Redis that is stopped or overloaded'],
  [/^WRONGTYPE$/, 'a key of the relay holds what is no value of it: delete it'],
  [/^OOM$/, 'Redis has reached its maxmemory'],
  [/^READONLY$/, 'REDIS_URL is a replica: name the primary'],
  [/^(LOADING|BUSY|MASTERDOWN|TRYAGAIN)$/, 'Redis is not ready yet'],
  [/^MISCONF$/, 'Redis cannot save to its disk and takes no writes'],
  [/^MAXCLIENTS$/, 'Redis has as many connections as it takes (maxclients)'],
  [/^DB_INDEX$/, 'Redis has no database of the number in REDIS_URL'],
  [/^UNKNOWN_COMMAND$/, 'this Redis lacks or renames a command: version 7 or later is needed'],
  [
    /^(EPIPE|ECONNRESET|CLOSED)$/,
    'the connection was closed: a port that speaks TLS, maxclients, or a proxy in between',
  ],
  [/^DEAF$/, 'a message to the own mailbox did not arrive: pub/sub does not work on this way to Redis'],
];
/** What Redis says after `ERR`, which is no word. */
const ERRORS: readonly (readonly [beginning: RegExp, word: string])[] = [
  [/^ERR max number of clients/, 'MAXCLIENTS'],
  [/^ERR (DB index|invalid DB index)/, 'DB_INDEX'],
  [/^ERR .*[Uu]nknown (Redis )?command/, 'UNKNOWN_COMMAND'],
  // Of a command inside a script.
  [/^ERR .*(user executing the script|ACL failure)/, 'NOPERM'],
  [/^ERR .*OOM/, 'OOM'],
  [/[Tt]imed? ?out/, 'TIMEOUT'],
];
/** The client's own words for there being no connection. */
const DISCONNECTED = /^(Stream isn't writeable|Connection is closed|Reached the max retries|Command aborted)/;

export class RedisFailure extends Error {
  override readonly name = 'RedisFailure';
  /** The word. */
  readonly code: string;
  /** What was tried: `connect`, `subscribe`, or an operation of the store. */
  readonly operation: string;

  /** @param fault why the connection was lost, where it was */
  constructor(operation: string, cause: unknown, fault?: unknown) {
    super('redis cannot be used');
    const lost = isDisconnected(cause);
    this.operation = lost && fault !== undefined ? 'connect' : operation;
    // Whoever is not let in, is told of it once, and of NOAUTH by every command after that.
    const told = lost || wordOf(cause) === 'NOAUTH' ? (fault ?? cause) : cause;
    this.code = isDisconnected(told) ? 'CLOSED' : wordOf(told);
  }

  get hint(): string | undefined {
    return HINTS.find(([words]) => words.test(this.code))?.[1];
  }
}

function isDisconnected(cause: unknown): boolean {
  return cause instanceof Error && DISCONNECTED.test(cause.message);
}

function wordOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'UNKNOWN';
  const { code } = cause as NodeJS.ErrnoException;
  if (code !== undefined && /^[A-Z][A-Z0-9_]{2,63}$/.test(code)) return code;
  const known = ERRORS.find(([beginning]) => beginning.test(cause.message));
  return known?.[1] ?? /^(?!ERR )[A-Z][A-Z0-9]{2,31}(?= )/.exec(cause.message)?.[0] ?? 'UNKNOWN';
}
