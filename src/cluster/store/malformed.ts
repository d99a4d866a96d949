/**
 * What the store holds of one run is not what a relay writes. Only that run is lost: the store, and every other run,
 * are as well as before. Holds nothing of what was read, which may be a user's words.
 */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}
