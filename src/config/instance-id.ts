import { hostname } from 'node:os';

/** The name of this machine: INSTANCE_ID, or what it is called where it runs. Loads nothing. */
export function instanceIdOf(environment: {
  readonly INSTANCE_ID?: string | undefined;
  readonly FLY_MACHINE_ID?: string | undefined;
}): string {
  return environment.INSTANCE_ID?.trim() || environment.FLY_MACHINE_ID?.trim() || hostname();
}

/** What a process calls itself in logs and rows. @param worker its number; undefined where it is the only one of its machine */
export function processNameOf(machine: string, worker: number | undefined): string {
  return worker === undefined ? machine : `${machine}-${worker}`;
}
