/** The body of an error response, bounded: only its type and request id are of use. */
const MAX_BYTES = 64 * 1024;

export class ErrorBody {
  readonly #chunks: Buffer[] = [];
  readonly #text = Promise.withResolvers<string>();
  #bytes = 0;

  /** Resolves with what came until `end`. */
  get text(): Promise<string> {
    return this.#text.promise;
  }

  /** @returns false when it is full: the rest is not wanted. */
  push(bytes: Buffer): boolean {
    this.#bytes += bytes.length;
    if (this.#bytes <= MAX_BYTES) this.#chunks.push(bytes);
    return this.#bytes <= MAX_BYTES;
  }

  end(): void {
    this.#text.resolve(Buffer.concat(this.#chunks).toString('utf8'));
  }
}
