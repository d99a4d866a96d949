import { atMost } from '../report/target.ts';
import type { Scenario } from '../scenario.ts';
import { SOUNDNESS, soundness } from './soundness.ts';
import { measureSteady, outcomeOf } from './steady.ts';

const CUTS_PER_SECOND = 50;

export const resume: Scenario = {
  name: 'resume',
  summary: `100 streams, one per socket; ${CUTS_PER_SECOND} sockets a second are cut, come back after 250 ms and resume`,
  subjects: ['relay'],
  figures: [
    { name: 'p50', label: 'resume sent → first missing frame read, p50', unit: 'ms' },
    { name: 'p99', label: 'resume sent → first missing frame read, p99', unit: 'ms', targets: [atMost(10)] },
    { name: 'resumes', label: 'resumes', unit: '/s' },
    ...SOUNDNESS,
  ],
  run: async (subject) => {
    const course = await measureSteady(subject, {
      streams: 100,
      connections: 100,
      cutsPerSecond: CUTS_PER_SECOND,
    });
    return outcomeOf(course, (round) => ({
      p50: round.load.resumed.p50,
      p99: round.load.resumed.p99,
      resumes: round.load.resumed.count / round.seconds,
      ...soundness(round),
    }));
  },
};
