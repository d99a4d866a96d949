/** The switches while the relay runs: where they may change is read again, and the log says what changed. */
import { isDeepStrictEqual } from 'node:util';
import type { FleetTable } from '../cluster/fleet-table.ts';
import type { Config } from '../config/environment.ts';
import {
  heldSwitches,
  type PlacedSwitches,
  type Switches,
  switchesOfFile,
  switchesOfFleet,
} from '../config/switches.ts';
import type { Logger } from '../observability/logger.ts';
import { FILE_EACH_MS, FLEET_EACH_MS, WatchedPlace } from './watched-place.ts';

export class WatchedSwitches {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #listeners: ((now: Switches) => void)[] = [];
  readonly #file: WatchedPlace;
  /** Undefined where this is the only machine. */
  readonly #fleet: WatchedPlace | undefined;
  #placed: PlacedSwitches;
  #now: Switches;

  /** @throws Error naming what is wrong with SWITCHES_FILE */
  constructor(config: Config, fleet: FleetTable | undefined, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
    this.#placed = { file: switchesOfFile(config), fleet: {} };
    this.#now = heldSwitches(config, this.#placed);
    this.#file = new WatchedPlace(
      () => this.#take({ file: switchesOfFile(config) }),
      (why) => logger.error({ why }, 'SWITCHES_FILE cannot be used: its last values hold'),
    );
    if (config.SWITCHES_FILE !== undefined) this.#file.watch(FILE_EACH_MS);
    this.#fleet = fleet && this.#watched(fleet);
  }

  /** At this moment. */
  get now(): Switches {
    return this.#now;
  }

  /** Told of what holds after each change. */
  onChange(listener: (now: Switches) => void): void {
    this.#listeners.push(listener);
  }

  /** Resolves once the fleet's are known, or cannot be had now. */
  async start(): Promise<void> {
    this.#fleet?.watch(FLEET_EACH_MS);
    await this.#fleet?.read();
    if (!this.#now.relayEnabled.value)
      this.#logger.warn(fieldsOf(this.#now), 'the relay is switched off: it takes no question');
  }

  /** At once, instead of within half a second. */
  readFile(): void {
    void this.#file.read();
  }

  close(): void {
    this.#file.close();
    this.#fleet?.close();
  }

  #watched(fleet: FleetTable): WatchedPlace {
    const place = new WatchedPlace(
      async () => this.#take({ fleet: switchesOfFleet(await fleet.read()) }),
      (why, level) =>
        this.#logger[level]({ why }, 'the switches of the fleet cannot be used: their last values hold'),
    );
    fleet.onChange(() => void place.read());
    return place;
  }

  #take(placed: Partial<PlacedSwitches>): void {
    this.#placed = { ...this.#placed, ...placed };
    const next = heldSwitches(this.#config, this.#placed);
    if (isDeepStrictEqual(next, this.#now)) return;
    this.#now = next;
    this.#logger.warn(fieldsOf(next), 'switches changed');
    for (const tell of this.#listeners) tell(next);
  }
}

/** The keys of the environment with what holds of them, and where that is from. */
function fieldsOf({ relayEnabled, streamingEnabled, websocketPercent }: Switches) {
  return {
    RELAY_ENABLED: relayEnabled.value,
    STREAMING_ENABLED: streamingEnabled.value,
    WEBSOCKET_ROLLOUT_PERCENT: websocketPercent.value,
    from: {
      RELAY_ENABLED: relayEnabled.from,
      STREAMING_ENABLED: streamingEnabled.from,
      WEBSOCKET_ROLLOUT_PERCENT: websocketPercent.from,
    },
  };
}
