import { atMost, times } from '../report/target.ts';
import type { Scenario } from '../scenario.ts';
import { runSteps, stepFigures } from './stream-steps.ts';

const STEPS = { streams: [100, 600, 1500], judged: 600 };
const LATENCY = { latencyP50: [atMost(1)], latencyP99: [atMost(5)] };

export const cpu1: Scenario = {
  name: 'cpu-x1',
  summary: '100, 600 and 1,500 streams, one per connection; a column ends where its subject cannot keep up',
  subjects: ['relay', 'nginx', 'nginx-plain', 'plan-deno', 'plan-node', 'portkey-bun', 'ai-sdk'],
  figures: stepFigures(STEPS, { cpu: [times(1, 'nginx'), times(1 / 3, 'plan-deno')], ...LATENCY }),
  run: (subject) => runSteps(subject, { ...STEPS, perConnection: 1 }),
};

export const cpu10: Scenario = {
  name: 'cpu-x10',
  summary: '100, 600 and 1,500 streams, ten per socket (nginx: one per connection)',
  subjects: ['relay', 'nginx'],
  figures: stepFigures(STEPS, { cpu: [times(0.7, 'nginx')], ...LATENCY }),
  run: (subject) => runSteps(subject, { ...STEPS, perConnection: 10 }),
};

const GROWTH = { streams: [100, 300, 600, 1500, 3000], judged: 600 };

export const growth: Scenario = {
  name: 'growth',
  summary: '100 to 3,000 streams, ten per socket: what a delta costs as there are more of them',
  byNameOnly: 'how cost grows',
  subjects: ['relay', 'nginx'],
  figures: stepFigures(GROWTH, {}),
  run: (subject) => runSteps(subject, { ...GROWTH, perConnection: 10 }),
};
