/**
 * The switches of a rollout and its way back, by where they are set: in the environment, for the whole fleet, in the file
 * of this machine. Each may name some of them, and the nearest one that does holds. Does not own when they are read.
 */
import { statSync } from 'node:fs';
import * as z from 'zod';
import { readJsonFile } from '../files/json-file.ts';
import type { Config } from './environment.ts';

const shape = {
  relayEnabled: z.boolean().optional(),
  streamingEnabled: z.boolean().optional(),
  websocketPercent: z.int().min(0).max(100).optional(),
};
const schema = z.strictObject(shape);
/** A release to come may have more of them, and both run while it is deployed. */
const fleetSchema = z.object(shape);

/** It is read twice a second. */
const MAX_BYTES = 64 * 1024;

/** What one place says; of what it does not name it says nothing. */
export type OwnSwitches = z.output<typeof schema>;
export type SwitchName = keyof OwnSwitches;

/** In the order in which they give way to one another. */
export type SwitchPlace = 'environment' | 'fleet' | 'file';

/** What holds, and which place says so. */
export interface Switch<Value> {
  readonly value: Value;
  readonly from: SwitchPlace;
}

export interface Switches {
  readonly relayEnabled: Switch<boolean>;
  readonly streamingEnabled: Switch<boolean>;
  readonly websocketPercent: Switch<number>;
}

/** What this machine and its fleet say beside the environment. */
export type PlacedSwitches = Readonly<Record<Exclude<SwitchPlace, 'environment'>, OwnSwitches>>;

/** The keys of the environment that say what holds where nobody else does. */
export const SWITCH_KEYS = {
  relayEnabled: 'RELAY_ENABLED',
  streamingEnabled: 'STREAMING_ENABLED',
  websocketPercent: 'WEBSOCKET_ROLLOUT_PERCENT',
} as const satisfies Readonly<Record<SwitchName, keyof Config>>;

/**
 * Of SWITCHES_FILE: nothing where it is not set, or the file is absent.
 * @throws Error naming the file and everything that is wrong in it
 */
export function switchesOfFile({ SWITCHES_FILE: file }: Pick<Config, 'SWITCHES_FILE'>): OwnSwitches {
  if (file === undefined) return {};
  // What is there and cannot be reached is no absent file: a switch would turn back by itself.
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return {};
  return readJsonFile('switches', file, schema, MAX_BYTES);
}

/**
 * Of the fleet, but for switches that this release does not have.
 * @param entries by the names of the file, each value as JSON
 * @throws Error naming everything that is wrong in them
 */
export function switchesOfFleet(entries: Readonly<Record<string, string>>): OwnSwitches {
  const parsed = fleetSchema.safeParse(
    Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, fromJson(value)])),
  );
  if (parsed.success) return parsed.data;
  throw new Error(`unable to use the switches of the fleet:\n${z.prettifyError(parsed.error)}`);
}

/** What is no JSON is no switch's value either. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What holds. */
export function heldSwitches(config: Config, { file, fleet }: PlacedSwitches): Switches {
  return {
    relayEnabled: nearest(config.RELAY_ENABLED, fleet.relayEnabled, file.relayEnabled),
    streamingEnabled: nearest(config.STREAMING_ENABLED, fleet.streamingEnabled, file.streamingEnabled),
    websocketPercent: nearest(
      config.WEBSOCKET_ROLLOUT_PERCENT,
      fleet.websocketPercent,
      file.websocketPercent,
    ),
  };
}

function nearest<Value>(
  environment: Value,
  fleet: Value | undefined,
  file: Value | undefined,
): Switch<Value> {
  if (file !== undefined) return { value: file, from: 'file' };
  return fleet === undefined ? { value: environment, from: 'environment' } : { value: fleet, from: 'fleet' };
}
