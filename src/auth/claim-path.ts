/**
 * Where in a token a claim stands, as an operator names it: `app_metadata.tier`, or a JSON pointer (RFC 6901) where a
 * name has a dot in it: `/https:~1~1app.example/tier`. Of several paths the first that leads to something counts.
 */
import type { JsonObject } from './access-token.ts';

/** Names from the token's top level down. */
export type ClaimPath = readonly string[];

const MAX_NAMES = 8;
const MAX_NAME_LENGTH = 128;
const NAME = /^[^\p{Cc}\p{Cs}\s]+$/u;
const BAD_ESCAPE = /~(?![01])/;
/** What of a token its user writes, or chooses at sign-up: nothing there says what they may use or whose they are. */
const OF_THE_USER: ReadonlySet<string | undefined> = new Set(['user_metadata', 'email', 'phone']);

/** What is wrong with the text of a path; undefined where it is one. */
export function claimPathFault(text: string): string | undefined {
  if (text.startsWith('/') && BAD_ESCAPE.test(text))
    return 'a ~ in a JSON pointer is written ~0, and a / in a name ~1';
  const path = parseClaimPath(text);
  if (path.length > MAX_NAMES || !path.every(isName))
    return `must be a path of 1 to ${MAX_NAMES} names such as app_metadata.tier, or a JSON pointer such as /app_metadata/tier`;
  if (OF_THE_USER.has(path[0]))
    return `users write ${path[0]} themselves, so that anybody could take any tier or school; have a server write it to app_metadata`;
  return undefined;
}

/** Of a text that has no fault. */
export function parseClaimPath(text: string): ClaimPath {
  if (!text.startsWith('/')) return text.split('.');
  return text
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function isName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && NAME.test(name);
}

/** What the first of the paths leads to that leads to anything; null leads to nothing. */
export function claimAt(claims: JsonObject, paths: readonly ClaimPath[]): unknown {
  for (const path of paths) {
    const value = path.reduce<unknown>(memberOf, claims);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

/** Only what a JSON object itself holds: no list, and nothing that all objects inherit. */
function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
}
