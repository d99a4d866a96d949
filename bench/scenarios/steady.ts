/** The plainest course of a scenario: connections, streams, a moment to settle, rounds of equal length. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadOptions } from '../load/port.ts';
import type { Curve, Figures, Outcome } from '../scenario.ts';
import { onStage, type Round, type Traffic } from '../stage.ts';
import type { Environment, Subject } from '../subjects/port.ts';
import { OPENING, rampOf, TRAFFIC } from './traffic.ts';

export interface Steady extends Partial<Omit<LoadOptions, 'door' | 'port' | 'name' | 'signer'>> {
  readonly streams: number;
  readonly connections: number;
  /** What differs from the usual. */
  readonly traffic?: Partial<Traffic>;
  readonly environment?: Environment;
  readonly settleMs?: number;
  readonly roundMs?: number;
  readonly rounds?: number;
}

const SETTLE_MS = 1000;
const ROUND_MS = 2000;
const ROUNDS = 2;

export interface Course {
  readonly rounds: readonly Round[];
  readonly memory: Curve;
}

export async function measureSteady(subject: Subject, steady: Steady): Promise<Course> {
  const { streams, connections, traffic, environment = {}, ...rest } = steady;
  const { settleMs = SETTLE_MS, roundMs = ROUND_MS, rounds: count = ROUNDS, ...options } = rest;
  return onStage(subject, { ...TRAFFIC, ...traffic }, environment, async (stage) => {
    const perConnection = Math.max(1, Math.ceil(streams / connections));
    const load = await stage.load({ name: 'c', connections, perConnection, opening: OPENING, ...options });
    await load.connect();
    await load.stream({ streams, rampMs: rampOf(streams) });
    await delay(settleMs);
    const rounds: Round[] = [];
    while (rounds.length < count) rounds.push(await stage.round(roundMs));
    return { rounds, memory: stage.memory() };
  });
}

/** Of rounds the last counts: those before it warm up. */
export function lastOf<Each>(rounds: readonly Each[]): Each {
  const last = rounds.at(-1);
  if (last === undefined) throw new Error('no round was measured');
  return last;
}

/** @param read the figures of one round, and all of them */
export function outcomeOf(
  { rounds, memory }: Course,
  read: (round: Round, rounds: readonly Round[]) => Figures,
): Outcome {
  const last = rounds.at(-1);
  return {
    rounds: rounds.map((round) => read(round, rounds)),
    curves: { memory, latency: last?.load.latency.curve ?? [] },
    faults: last?.load.faults ?? {},
  };
}
