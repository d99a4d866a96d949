import type { Scenario } from '../scenario.ts';
import { atMost, timesNginx } from '../target.ts';
import { streamingWorkload } from '../workload.ts';
import { streamingFigures, streamingSpecs } from './streaming.ts';

export const cpu600x1: Scenario = {
  name: 'cpu-600x1',
  summary: '600 streams, one per socket',
  subjects: ['relay', 'nginx'],
  workload: (pace) => streamingWorkload(pace, 600, 600),
  figures: streamingSpecs({
    cpu: timesNginx(1),
    latencyP50: atMost(1),
    latencyP99: atMost(5),
  }),
  read: streamingFigures,
};
