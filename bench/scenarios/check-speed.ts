/** The short form of the CPU scenarios: 600 streams, and the two peers whose ratios are targets. */
import { times } from '../report/target.ts';
import type { Scenario } from '../scenario.ts';
import { runSteps, stepFigures } from './stream-steps.ts';

/** The first step warms up. */
const STREAMS = [300, 600];
const JUDGED = [600];

export const speed1: Scenario = {
  name: 'speed-x1',
  summary: '600 streams, one per connection',
  subjects: ['relay', 'nginx', 'plan-deno'],
  figures: stepFigures(JUDGED, { cpu: [times(1, 'nginx'), times(1 / 3, 'plan-deno')] }),
  run: (subject) => runSteps(subject, { streams: STREAMS, perConnection: 1 }),
};

export const speed10: Scenario = {
  name: 'speed-x10',
  summary: '600 streams, ten per socket (nginx: one per connection)',
  subjects: ['relay', 'nginx'],
  figures: stepFigures(JUDGED, { cpu: [times(0.7, 'nginx')] }),
  run: (subject) => runSteps(subject, { streams: STREAMS, perConnection: 10 }),
};
