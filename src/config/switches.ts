/**
 * The switches of a rollout and its way back: as the environment has them, or as SWITCHES_FILE says, which may change while
 * the relay runs. Does not own when the file is read again.
 */
import { statSync } from 'node:fs';
import * as z from 'zod';
import { readJsonFile } from '../files/json-file.ts';
import type { Config } from './environment.ts';

const schema = z.strictObject({
  relayEnabled: z.boolean().optional(),
  streamingEnabled: z.boolean().optional(),
  websocketPercent: z.int().min(0).max(100).optional(),
});

/** It is read between the answers of all users: a wrong file must not hold them up. */
const MAX_BYTES = 64 * 1024;

export type Switches = Pick<Config, 'RELAY_ENABLED' | 'STREAMING_ENABLED' | 'WEBSOCKET_ROLLOUT_PERCENT'>;

export type SwitchesFile = z.output<typeof schema>;

/**
 * None where the file is absent.
 * @throws Error naming the file and everything that is wrong in it
 */
export function switchesIn(file: string): SwitchesFile {
  // What is there and cannot be reached is no absent file: a switch would turn back by itself.
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return {};
  if (!stats.isFile() || stats.size > MAX_BYTES)
    throw new Error(`unable to use the switches file ${file}: name a file of at most ${MAX_BYTES} bytes`);
  return readJsonFile('switches', file, schema);
}

/**
 * Of the file where it is there and names them, otherwise of the environment.
 * @throws Error naming the file and everything that is wrong in it
 */
export function readSwitches({
  SWITCHES_FILE: file,
  RELAY_ENABLED,
  STREAMING_ENABLED,
  WEBSOCKET_ROLLOUT_PERCENT,
}: Config): Switches {
  const own = file === undefined ? {} : switchesIn(file);
  return {
    RELAY_ENABLED: own.relayEnabled ?? RELAY_ENABLED,
    STREAMING_ENABLED: own.streamingEnabled ?? STREAMING_ENABLED,
    WEBSOCKET_ROLLOUT_PERCENT: own.websocketPercent ?? WEBSOCKET_ROLLOUT_PERCENT,
  };
}
