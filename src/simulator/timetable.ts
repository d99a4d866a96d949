/** The timetable of a response: when its head, its first delta and each further one are due, and how it ends. */
import type { AnswerBehaviour, Break } from './behaviour.ts';
import type { Pace, Range } from './pacer.ts';
import type { PreparedAnswer } from './prepared-answer.ts';
import type { Random } from './random.ts';

export interface Timetable {
  readonly answer: PreparedAnswer;
  readonly ending: Exclude<Break, 'half-event' | 'error'>;
  /** From the request to the response head and the first write, ms. */
  readonly headAfterMs: number;
  /** From the request to the second write, which holds the first delta, ms. */
  readonly firstDeltaAfterMs: number;
  /** Ms until the next write, unless that says so itself. */
  readonly gapMs: () => number;
  /** Each write in an event-loop turn of its own, so that the reader gets it by itself. */
  readonly inTurns: boolean;
}

const AT_ONCE = { headAfterMs: 0, firstDeltaAfterMs: 0, gapMs: () => 0 };
/** message_start and the head come somewhat before the first delta. */
const HEAD_SHARE = 0.6;

/** Never a byte. */
export const SILENT: Timetable = {
  ...AT_ONCE,
  answer: { contentType: '', writes: [], deltas: 0, waitMs: 0, messageId: null, thoughts: new Map() },
  ending: 'stall',
  inTurns: false,
};

export function timetableAtOnce(answer: PreparedAnswer, inTurns: boolean): Timetable {
  return { ...AT_ONCE, answer, ending: 'end', inTurns };
}

export function pacedTimetable(
  answer: PreparedAnswer,
  behaviour: AnswerBehaviour,
  pace: Pace,
  chance: Random,
): Timetable {
  const by = behaviour.broken?.by ?? 'end';
  const ending = by === 'half-event' || by === 'error' ? 'end' : by;
  if (behaviour.sliceBytes !== undefined) return { ...timetableAtOnce(answer, true), ending };
  const firstDeltaAfterMs = draw(pace.firstTokenMs, chance);
  const gapMs = () => 1_000 / draw(pace.deltasPerSecond, chance);
  const timetable = { answer, ending, gapMs, inTurns: false } as const;
  if (answer.contentType !== 'application/json') {
    return { ...timetable, headAfterMs: firstDeltaAfterMs * HEAD_SHARE, firstDeltaAfterMs };
  }
  // Without streaming the whole answer comes when its last delta would have.
  const readyMs = firstDeltaAfterMs + answer.deltas * gapMs() + answer.waitMs;
  return { ...timetable, headAfterMs: readyMs, firstDeltaAfterMs: readyMs };
}

function draw(range: Range, random: Random): number {
  return typeof range === 'number' ? range : random.between(range[0], range[1]);
}
