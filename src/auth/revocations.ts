/**
 * Which tokens an operator has revoked before they expire: those of a user from before some moment, those of a session, those
 * that a key signed. Asked of each token, and again of those in use where it changes. Does not own where that is set.
 *
 * A revocation lapses once no token that it concerns can be good any more. That of a key never does: who has the key makes
 * new tokens.
 */
import type { Clock } from '../time/clock.ts';
import type { Principal } from './port.ts';
import { TOLERANCE_MS } from './token-user.ts';

/** Each by its name, and when, Unix ms: of a user, what was issued before that; otherwise when it was revoked. */
export interface RevocationLists {
  readonly users: ReadonlyMap<string, number>;
  readonly sessions: ReadonlyMap<string, number>;
  readonly keys: ReadonlyMap<string, number>;
}

export const NO_REVOCATIONS: RevocationLists = { users: new Map(), sessions: new Map(), keys: new Map() };

export interface RevocationsOptions {
  readonly clock: Clock;
  /** How long after its issue a token may expire, ms. */
  readonly maxTokenLifeMs: number;
}

export class Revocations {
  readonly #options: RevocationsOptions;
  #lists = NO_REVOCATIONS;

  constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  /** Those that were set, lapsed ones among them. */
  get lists(): RevocationLists {
    return this.#lists;
  }

  replace(lists: RevocationLists): void {
    this.#lists = lists;
  }

  /** Whether the token that proved this principal is revoked. */
  has({ userId, token: { issuedAt, sessionId, keyId } }: Principal): boolean {
    const { users, sessions, keys } = this.#lists;
    if (keys.has(keyId)) return true;
    if (sessionId !== null && this.#holds(sessions.get(sessionId))) return true;
    const before = users.get(userId);
    // One that does not say when it was issued may be from before.
    return this.#holds(before) && (issuedAt === null || issuedAt < before);
  }

  /** How many hold. */
  count(of: keyof RevocationLists): number {
    const held = unlapsed(this.#lists, this.#options.clock.now(), this.#options.maxTokenLifeMs);
    return held[of].size;
  }

  #holds(at: number | undefined): at is number {
    const { clock, maxTokenLifeMs } = this.#options;
    return at !== undefined && !hasLapsed(at, clock.now(), maxTokenLifeMs);
  }
}

/** Those that still concern a token. */
export function unlapsed(
  { users, sessions, keys }: RevocationLists,
  now: number,
  maxTokenLifeMs: number,
): RevocationLists {
  const held = (list: ReadonlyMap<string, number>) =>
    new Map([...list].filter(([, at]) => !hasLapsed(at, now, maxTokenLifeMs)));
  return { users: held(users), sessions: held(sessions), keys };
}

/** Of a user or a session: a token from before `at` has expired by then on every clock. */
export function hasLapsed(at: number, now: number, maxTokenLifeMs: number): boolean {
  return now - at > maxTokenLifeMs + 2 * TOLERANCE_MS;
}

/** Of both, each where it reaches farther. */
export function united(some: RevocationLists, others: RevocationLists): RevocationLists {
  const union = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>) => {
    const both = new Map(a);
    for (const [name, at] of b) both.set(name, Math.max(at, a.get(name) ?? at));
    return both;
  };
  return {
    users: union(some.users, others.users),
    sessions: union(some.sessions, others.sessions),
    keys: union(some.keys, others.keys),
  };
}
