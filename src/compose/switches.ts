/** The switches while the relay runs: where they may change is read again, and the log says what changed. */
import { isDeepStrictEqual } from 'node:util';
import { type FleetSwitches, FleetUnreachable } from '../cluster/fleet-switches.ts';
import type { Config } from '../config/environment.ts';
import {
  heldSwitches,
  type PlacedSwitches,
  type Switches,
  switchesOfFile,
  switchesOfFleet,
} from '../config/switches.ts';
import type { Logger } from '../observability/logger.ts';
import { systemClock, type Timer } from '../time/clock.ts';

/** How soon a change of the file counts, ms. */
const FILE_EACH_MS = 500;
/** How soon one of the fleet does at the latest, ms: where the message that tells of it was lost. */
const FLEET_EACH_MS = 1000;

export class WatchedSwitches {
  readonly #config: Config;
  readonly #fleet: FleetSwitches | undefined;
  readonly #logger: Logger;
  readonly #listeners: ((now: Switches) => void)[] = [];
  readonly #timers: Timer[] = [];
  /** Why a place cannot be used: told once, until it can. */
  #fileFault: string | undefined;
  #fleetFault: string | undefined;
  #placed: PlacedSwitches;
  #now: Switches;

  /** @throws Error naming what is wrong with SWITCHES_FILE */
  constructor(config: Config, fleet: FleetSwitches | undefined, logger: Logger) {
    this.#config = config;
    this.#fleet = fleet;
    this.#logger = logger;
    this.#placed = { file: switchesOfFile(config), fleet: {} };
    this.#now = heldSwitches(config, this.#placed);
    if (config.SWITCHES_FILE !== undefined)
      this.#timers.push(systemClock.every(FILE_EACH_MS, () => this.readFile()));
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
    const fleet = this.#fleet;
    if (fleet !== undefined) {
      const read = (): Promise<void> => this.#readFleet(fleet);
      fleet.onChange(() => void read());
      this.#timers.push(systemClock.every(FLEET_EACH_MS, () => void read()));
      await read();
    }
    if (!this.#now.relayEnabled.value)
      this.#logger.warn(fieldsOf(this.#now), 'the relay is switched off: it takes no question');
  }

  /** At once, instead of within half a second. */
  readFile(): void {
    try {
      this.#take({ file: switchesOfFile(this.#config) });
      this.#fileFault = undefined;
    } catch (cause) {
      const { message: why } = cause as Error; // of the operator's own file
      if (why !== this.#fileFault)
        this.#logger.error({ why }, 'SWITCHES_FILE cannot be used: its last values hold');
      this.#fileFault = why;
    }
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
  }

  async #readFleet(fleet: FleetSwitches): Promise<void> {
    try {
      this.#take({ fleet: switchesOfFleet(await fleet.read()) });
      this.#fleetFault = undefined;
    } catch (cause) {
      const { message: why } = cause as Error;
      const level = cause instanceof FleetUnreachable ? 'warn' : 'error';
      // An outage has more than one reason while it lasts, and is told once.
      const fault = level === 'warn' ? 'unreachable' : why;
      if (fault !== this.#fleetFault)
        this.#logger[level]({ why }, 'the switches of the fleet cannot be used: their last values hold');
      this.#fleetFault = fault;
    }
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
