/** Names of streams by which a chat's answers are found: PROTOCOL.md, "AI SDK". Of the chat's own id nothing is in them: names are logged. */

/** Characters of each half of a name, 132 bits. */
const HALF = 22;

/**
 * What the names of all answers of a chat begin with.
 * @param digest SHA-256 of the chat's id, as base64url
 * @param library by which the chat is asked, where it is another that borrows these names
 */
export function chatNamePrefix(digest: string, library = 'aisdk'): string {
  return `${library}-${digest.slice(0, HALF)}-`;
}

/** @param random 22 characters of A-Z a-z 0-9 _ - or more */
export function chatName(prefix: string, random: string): string {
  return prefix + random.slice(0, HALF);
}
