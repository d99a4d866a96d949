/** Which blocks of the sources this thread has run, as V8 counts them: an input that reaches new ones is worth changing further. */
import { Session } from 'node:inspector/promises';

export class Coverage implements AsyncDisposable {
  readonly #session = new Session();
  readonly #blocks = new Set<string>();

  static async start(): Promise<Coverage> {
    const coverage = new Coverage();
    coverage.#session.connect();
    await coverage.#session.post('Profiler.enable');
    await coverage.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return coverage;
  }

  /** Blocks that were run so far. */
  get size(): number {
    return this.#blocks.size;
  }

  /** How many blocks were run for the first time since it was last asked. */
  async more(): Promise<number> {
    const before = this.#blocks.size;
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    for (const { url, functions } of result) {
      if (!url.includes('/src/')) continue;
      for (const { ranges } of functions)
        for (const { count, startOffset, endOffset } of ranges)
          if (count > 0) this.#blocks.add(`${url} ${startOffset}-${endOffset}`);
    }
    return this.#blocks.size - before;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}
