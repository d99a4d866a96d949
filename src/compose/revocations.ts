/**
 * The revocations while the relay runs: where they may change is read again, the log says how many there are, and whoever
 * has to end something is told. What the fleet says is kept in DATA_DIR as well: a machine that starts while Redis is away
 * knows it, and a Redis that has lost it gets it back.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  NO_REVOCATIONS,
  type RevocationLists,
  type Revocations,
  united,
  unlapsed,
} from '../auth/revocations.ts';
import type { FleetTable } from '../cluster/fleet-table.ts';
import type { Config } from '../config/environment.ts';
import {
  fileOfRevocations,
  fleetEntries,
  readRevocations,
  revocationsOfFile,
  revocationsOfFleet,
  versionOfFile,
} from '../config/revocations.ts';
import type { Logger } from '../observability/logger.ts';
import { systemClock } from '../time/clock.ts';
import { replaceFile } from './command-places.ts';
import { FILE_EACH_MS, FLEET_EACH_MS, WatchedPlace } from './watched-place.ts';

/** The entry of the fleet that differs after each change: what is asked each second is this, and not all of them. */
export const VERSION = 'version';
const COPY = 'revocations.json';

/** @param before which it replaces; another table, made after the first was lost, has another beginning */
export function nextVersion(before: string | undefined): string {
  return `${before === undefined ? randomBytes(6).toString('hex') : tableOf(before)}.${randomBytes(6).toString('hex')}`;
}

function tableOf(version: string): string {
  return version.slice(0, version.indexOf('.'));
}

/** Which are set where. */
interface PlacedRevocations {
  readonly file: RevocationLists;
  readonly fleet: RevocationLists;
}

export class WatchedRevocations {
  readonly #config: Config;
  readonly #revocations: Revocations;
  readonly #logger: Logger;
  readonly #listeners: (() => void)[] = [];
  readonly #file: WatchedPlace;
  /** Undefined where this is the only machine. */
  readonly #fleet: WatchedPlace | undefined;
  #placed: PlacedRevocations = { file: NO_REVOCATIONS, fleet: NO_REVOCATIONS };
  #fileVersion: string | undefined;
  #fleetVersion: string | undefined;

  /** @throws Error naming what is wrong with REVOCATIONS_FILE */
  constructor(config: Config, fleet: FleetTable | undefined, revocations: Revocations, logger: Logger) {
    this.#config = config;
    this.#revocations = revocations;
    this.#logger = logger;
    this.#readFile();
    this.#file = new WatchedPlace(
      () => this.#readFile(),
      (why) => logger.error({ why }, 'REVOCATIONS_FILE cannot be used: its last entries hold'),
    );
    if (config.REVOCATIONS_FILE !== undefined) this.#file.watch(FILE_EACH_MS);
    if (fleet === undefined) return;
    this.#readCopy();
    this.#fleet = new WatchedPlace(
      () => this.#readFleet(fleet),
      (why) => logger.warn({ why }, 'the revocations of the fleet cannot be read: the last known hold'),
    );
    fleet.onChange(() => void this.#fleet?.read());
  }

  /** Whether the fleet's could be read when they were asked for last; undefined where this is the only machine. */
  get up(): boolean | undefined {
    return this.#fleet?.usable;
  }

  /** Told after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Resolves once the fleet's are known, or cannot be had now. */
  async start(): Promise<void> {
    this.#fleet?.watch(FLEET_EACH_MS);
    await this.#fleet?.read();
  }

  /** At once, instead of within half a second. */
  readFile(): void {
    void this.#file.read();
  }

  close(): void {
    this.#file.close();
    this.#fleet?.close();
  }

  #readFile(): void {
    const { REVOCATIONS_FILE: file } = this.#config;
    if (file === undefined) return;
    const version = versionOfFile(file);
    if (version !== undefined && version === this.#fileVersion) return;
    this.#take({ file: revocationsOfFile(this.#config) });
    this.#fileVersion = version;
  }

  async #readFleet(fleet: FleetTable): Promise<void> {
    const { fleet: known } = this.#placed;
    const version = await fleet.readOne(VERSION);
    if (version === this.#fleetVersion && (version !== undefined || isEmpty(known))) return;
    const entries = await fleet.read();
    const { lists, unreadable } = revocationsOfFleet(entries);
    if (unreadable > 0) this.#logger.error({ unreadable }, UNREADABLE);
    const found = entries[VERSION];
    if (this.#isLost(found)) await this.#putBack(fleet, lists, found);
    else this.#takeFleet(lists, found);
  }

  /** Whether the table that was known is gone: who takes all back leaves one, and its version. */
  #isLost(found: string | undefined): boolean {
    if (isEmpty(this.#placed.fleet)) return false;
    if (found === undefined) return true;
    return this.#fleetVersion !== undefined && tableOf(found) !== tableOf(this.#fleetVersion);
  }

  async #putBack(fleet: FleetTable, lists: RevocationLists, found: string | undefined): Promise<void> {
    const known = unlapsed(this.#placed.fleet, systemClock.now(), this.#config.MAX_TOKEN_LIFE_MS);
    const all = united(lists, known);
    const version = nextVersion(found);
    await fleet.change({ ...fleetEntries(all), [VERSION]: version });
    this.#logger.warn(countsOf(all), 'redis had lost revocations: they are put back');
    this.#takeFleet(all, version);
  }

  #takeFleet(lists: RevocationLists, version: string | undefined): void {
    this.#fleetVersion = version;
    if (isDeepStrictEqual(lists, this.#placed.fleet)) return;
    this.#take({ fleet: lists });
    try {
      replaceFile(join(this.#config.DATA_DIR, COPY), fileOfRevocations(lists));
    } catch (cause) {
      const { message: why } = cause as Error; // of our own file
      this.#logger.warn(
        { why },
        'revocations cannot be kept in DATA_DIR: a start without redis would not know them',
      );
    }
  }

  #readCopy(): void {
    try {
      this.#take({ fleet: readRevocations(join(this.#config.DATA_DIR, COPY)) });
    } catch (cause) {
      const { message: why } = cause as Error; // of our own file
      this.#logger.error(
        { why },
        'revocations kept in DATA_DIR cannot be used: those of redis hold once they are read',
      );
    }
  }

  #take(placed: Partial<PlacedRevocations>): void {
    this.#placed = { ...this.#placed, ...placed };
    const next = united(this.#placed.file, this.#placed.fleet);
    if (isDeepStrictEqual(next, this.#revocations.lists)) return;
    this.#revocations.replace(next);
    this.#logger.warn(countsOf(next), 'revocations changed');
    for (const tell of this.#listeners) tell();
  }
}

const UNREADABLE = 'revocations of the fleet are no entries of a relay: the others hold';

function isEmpty({ users, sessions, keys }: RevocationLists): boolean {
  return users.size + sessions.size + keys.size === 0;
}

function countsOf({ users, sessions, keys }: RevocationLists) {
  return { users: users.size, sessions: sessions.size, keys: keys.size };
}
