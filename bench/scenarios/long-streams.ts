import { atMost } from '../report/target.ts';
import type { Scenario } from '../scenario.ts';
import { memoryFigures, memorySpecs } from './memory.ts';
import { measureSteady, outcomeOf } from './steady.ts';
import { cpuPerDelta } from './stream-steps.ts';

const STREAMS = 200;
const MINUTES = 30;
const MINUTE_MS = 60_000;
/** Longer than any of them lives: an answer lasts half to one and a half times the mean. */
const ANSWER_DELTAS = 2 * 25 * 60 * (MINUTES + 5);
/** Logs grow to a limit: a low one, reached in the first minute, lets any other growth be seen. */
const ENVIRONMENT = {
  STREAM_LOG_MAX_BYTES: '65536',
  UPSTREAM_TOTAL_MS: String(4 * MINUTES * MINUTE_MS),
};

export const longStreams: Scenario = {
  name: 'long-streams',
  summary: `${STREAMS} streams of half an hour: cost, latency and memory do not grow with a stream's age`,
  byNameOnly: '31 minutes',
  subjects: ['relay'],
  figures: [
    { name: 'growth', label: 'mean memory, last minute ÷ third', unit: '', targets: [atMost(1.1)] },
    { name: 'cpu', label: 'CPU per delta', unit: 'µs' },
    { name: 'cpuGrowth', label: 'CPU per delta, last minute ÷ third', unit: '', targets: [atMost(1.1)] },
    ...memorySpecs([]),
  ],
  run: async (subject) => {
    const course = await measureSteady(subject, {
      streams: STREAMS,
      connections: STREAMS,
      traffic: { answerDeltas: ANSWER_DELTAS },
      environment: ENVIRONMENT,
      roundMs: MINUTE_MS,
      rounds: MINUTES,
    });
    const [, , third] = course.rounds;
    return outcomeOf(course, (round) => ({
      growth: round.rssMb / (third?.rssMb ?? Number.NaN),
      cpu: cpuPerDelta(round),
      cpuGrowth: cpuPerDelta(round) / (third === undefined ? Number.NaN : cpuPerDelta(third)),
      ...memoryFigures(round),
    }));
  },
};
