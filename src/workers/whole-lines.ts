/**
 * Passes a worker's output on in whole lines: what several processes write to one pipe would be torn where it is longer
 * than the pipe takes at once.
 */
const LINE_FEED = 10;
/** No line of the relay is that long: what is, is passed on in parts, each a line. */
const MAX_LINE_BYTES = 262_144;

export class WholeLines {
  readonly #write: (lines: string) => void;
  /** Of a line whose end has not come. */
  #begun: Buffer[] = [];
  #begunBytes = 0;

  /** @param write takes one line or more, each with its end */
  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  push(chunk: Buffer): void {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      this.#write(Buffer.concat([...this.#begun, chunk.subarray(0, end)]).toString());
      this.#begun = [];
      this.#begunBytes = 0;
    }
    if (end === chunk.length) return;
    this.#begun.push(chunk.subarray(end));
    this.#begunBytes += chunk.length - end;
    if (this.#begunBytes > MAX_LINE_BYTES) this.end();
  }

  /** The process is gone: what it could not end is a line all the same. */
  end(): void {
    if (this.#begun.length > 0) this.#write(`${Buffer.concat(this.#begun).toString()}\n`);
    this.#begun = [];
    this.#begunBytes = 0;
  }
}
