/** What an issuer's key set lacks, in words that hold nothing of what it answered: they may be logged. */
export class KeySetFault extends Error {
  override readonly name = 'KeySetFault';
}
