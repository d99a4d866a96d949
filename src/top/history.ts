/** The scrapes of the last while, of one process: a restart begins anew, and a gap is remembered. */
import { isRestart } from './change.ts';
import { type Figures, figuresOf } from './figures.ts';
import type { Scrape } from './scrape.ts';

export class History {
  readonly #windowMs: number;
  #scrapes: Scrape[] = [];
  #restarts = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** How often another process answered than before. */
  get restarts(): number {
    return this.#restarts;
  }

  add(scrape: Scrape): void {
    const last = this.#scrapes.at(-1);
    if (last !== undefined && isRestart(last, scrape)) {
      this.#scrapes = [];
      this.#restarts += 1;
    }
    this.#scrapes.push(scrape);
    // One that is older than the window is where it begins.
    while (this.#scrapes.length > 2 && scrape.at - (this.#scrapes[1]?.at ?? 0) >= this.#windowMs)
      this.#scrapes.shift();
  }

  /** Undefined before the first scrape. */
  get figures(): Figures | undefined {
    const [from, to] = [this.#scrapes[0], this.#scrapes.at(-1)];
    return from === undefined || to === undefined ? undefined : figuresOf(from, to);
  }

  /** Live streams, oldest first. */
  liveStreams(): number[] {
    return this.#scrapes.map(({ samples }) => samples.get('dash_live_streams')?.[0]?.value ?? 0);
  }
}
