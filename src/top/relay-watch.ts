/** A relay as it is watched: asked again and again, whether it answers or not. */
import type { Figures } from './figures.ts';
import { History } from './history.ts';
import { type RelayAddress, ScrapeError, scrape } from './scrape.ts';
import type { View } from './screen.ts';

export class RelayWatch {
  readonly address: RelayAddress;
  readonly #history: History;
  #away: View['away'];

  /** @param windowMs what rates are taken over */
  constructor(address: RelayAddress, windowMs: number) {
    this.address = address;
    this.#history = new History(windowMs);
  }

  get away(): View['away'] {
    return this.#away;
  }

  /** Of the last answer; undefined before the first. */
  get figures(): Figures | undefined {
    return this.#history.figures;
  }

  /** Asks once. What it fails with is kept as `away`. */
  async ask(): Promise<void> {
    try {
      this.#history.add(await scrape(this.address, () => performance.now()));
      this.#away = undefined;
    } catch (error) {
      if (!(error instanceof ScrapeError)) throw error;
      this.#away = { why: error.message, since: this.#away?.since ?? new Date() };
    }
  }

  view(paused: boolean): View {
    return {
      figures: this.figures,
      address: new URL(this.address.metrics).host,
      away: this.#away,
      paused,
      restarts: this.#history.restarts,
      live: this.#history.liveStreams(),
      now: new Date(),
    };
  }
}
