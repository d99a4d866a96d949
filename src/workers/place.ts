/** Which of several processes this one is: its parent says so in the environment. */
import type { Up } from './messages.ts';

export interface WorkerPlace {
  /** From 1. */
  readonly number: number;
  /** Of WORKERS. */
  readonly count: number;
  /** What all processes of this parent call themselves by, and no other. */
  readonly siblings: string;
  /** Whether it is the very first process of its parent, for which the others wait. */
  readonly isFirst: boolean;
  /** What the first one listens on, and so do the others. */
  readonly ports: Pick<Up, 'port' | 'metricsPort'> | undefined;
}

const KEY = 'DASH_WORKER';

/** The environment of a process in that place. */
export function environmentOf(place: WorkerPlace): Readonly<Record<string, string>> {
  return { [KEY]: JSON.stringify(place) };
}

/** Undefined where this process has no parent that placed it. */
export function placeOf(environment: Readonly<Record<string, string | undefined>>): WorkerPlace | undefined {
  const text = environment[KEY];
  if (text === undefined || process.send === undefined) return undefined;
  return JSON.parse(text) as WorkerPlace;
}
