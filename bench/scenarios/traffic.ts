/** How the simulated model answers in most scenarios. */
import type { Traffic } from '../stage.ts';

const DELTAS_PER_SECOND = 25;
/** A mean answer lasts 10 s, so that a tenth of the streams ends and starts anew each second. */
const ANSWER_DELTAS = 250;

export const TRAFFIC: Traffic = {
  deltasPerSecond: DELTAS_PER_SECOND,
  answerDeltas: ANSWER_DELTAS,
  firstTokenMs: [0, 40],
};

/** Connections that open at the same time. */
export const OPENING = 50;

/** The time in which so many streams start: as fast as a burst of users, and no faster. */
export function rampOf(streams: number): number {
  return 1.5 * streams;
}
