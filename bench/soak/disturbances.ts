/** What happens to the relays of a soak, and to what they stand on, one after the other and again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Machine } from '../game-day/machine.ts';
import type { SoakStage } from './stage.ts';

interface Disturbance {
  readonly name: string;
  /** Lasts about as long as that, ms, and leaves everything as it was. */
  readonly play: (stage: SoakStage, ms: number) => Promise<void>;
}

export const DISTURBANCES: readonly Disturbance[] = [
  { name: 'b is deployed', play: ({ b, exits }) => restart(b, exits, 0) },
  {
    name: 'Postgres is away',
    async play({ postgres }, ms) {
      await postgres.stop();
      await delay(ms);
      await postgres.start();
    },
  },
  {
    name: 'Redis hangs',
    async play({ redis }, ms) {
      redis.freeze();
      await delay(ms);
      redis.thaw();
    },
  },
  { name: 'b is away, a has all', play: ({ b, exits }, ms) => restart(b, exits, ms) },
  {
    name: 'Postgres hangs',
    async play({ postgres }, ms) {
      postgres.pause();
      await delay(ms);
      postgres.resume();
    },
  },
  {
    name: 'Redis comes back empty',
    async play({ redis }, ms) {
      await redis.stop();
      await delay(ms);
      await redis.restart();
    },
  },
];

/** SIGTERM, and a new process on the same port after a while. */
async function restart(machine: Machine, exits: (number | null)[], ms: number): Promise<void> {
  exits.push(await machine.terminate());
  await delay(ms);
  await machine.start();
}

export interface Course {
  /** How long each lasts, and the peace after it, ms. */
  readonly holdMs: number;
  readonly peaceMs: number;
  /** Nothing new begins after it, on the clock of `performance`. */
  readonly untilMs: number;
  readonly begun: (name: string) => void;
}

/** One after the other until the time is up; the last one is played to its end. */
export async function playDisturbances(
  stage: SoakStage,
  { holdMs, peaceMs, untilMs, begun }: Course,
): Promise<void> {
  for (let nth = 0; ; nth += 1) {
    const left = untilMs - performance.now();
    await delay(Math.max(0, Math.min(peaceMs, left)));
    if (left <= peaceMs) return;
    const disturbance = DISTURBANCES[nth % DISTURBANCES.length];
    if (disturbance === undefined) return;
    begun(disturbance.name);
    await disturbance.play(stage, holdMs);
  }
}
