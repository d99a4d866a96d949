/** The short form of the CPU scenarios: 600 streams, and the two peers whose ratios are targets. */
import { times } from '../report/target.ts';
import type { Scenario } from '../scenario.ts';
import { runSteps, stepFigures } from './stream-steps.ts';

const STEPS = { streams: [600], judged: 600 };

export const speed1: Scenario = {
  name: 'speed-x1',
  summary: '600 streams, one per connection',
  subjects: ['relay', 'nginx', 'plan-deno'],
  figures: stepFigures(STEPS, { cpu: [times(1, 'nginx'), times(1 / 3, 'plan-deno')] }),
  run: (subject) => runSteps(subject, { ...STEPS, perConnection: 1 }),
};

export const speed10: Scenario = {
  name: 'speed-x10',
  summary: '600 streams, ten per socket (nginx: one per connection)',
  subjects: ['relay', 'nginx'],
  figures: stepFigures(STEPS, { cpu: [times(0.7, 'nginx')] }),
  run: (subject) => runSteps(subject, { ...STEPS, perConnection: 10 }),
};
