/** What a user is called towards others: the vendor of the model, and tools of the operator's. The same for the same user. */
import { createHmac, createSecretKey, hash } from 'node:crypto';

/** Of a user's id: 32 hexadecimal digits that hold no id of ours, and no name. */
export type UserHash = (userId: string) => string;

const DIGITS = 32;

/**
 * @param key a secret of the operator's (USER_ID_KEY). Without one, whoever has a list of ids can tell which of them a hash
 *   stands for: anybody can compute it
 */
export function userHashBy(key: string | undefined): UserHash {
  if (key === undefined) return (userId) => hash('sha256', named(userId)).slice(0, DIGITS);
  const secret = createSecretKey(key, 'utf8');
  return (userId) => createHmac('sha256', secret).update(named(userId)).digest('hex').slice(0, DIGITS);
}

function named(userId: string): string {
  return `dash-relay:${userId}`;
}
