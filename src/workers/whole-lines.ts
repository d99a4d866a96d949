/**
 * Passes a worker's output on in whole lines: what several processes write to one pipe would be torn where it is longer
 * than the pipe takes at once.
 */
const LINE_FEED = 10;

export class WholeLines {
  readonly #write: (lines: string) => void;
  /** Of a line whose end has not come. */
  #begun: Buffer[] = [];

  /** @param write takes one line or more, each with its end */
  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  push(chunk: Buffer): void {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end === 0) {
      this.#begun.push(chunk);
      return;
    }
    this.#write(Buffer.concat([...this.#begun, chunk.subarray(0, end)]).toString());
    this.#begun = end === chunk.length ? [] : [chunk.subarray(end)];
  }

  /** The process is gone: what it could not end is a line all the same. */
  end(): void {
    if (this.#begun.length > 0) this.#write(`${Buffer.concat(this.#begun).toString()}\n`);
    this.#begun = [];
  }
}
