import type { Scenario } from '../scenario.ts';
import { atMost, timesNginx } from '../target.ts';
import { streamingWorkload } from '../workload.ts';
import { streamingFigures, streamingSpecs } from './streaming.ts';

export const cpu600x10: Scenario = {
  name: 'cpu-600x10',
  summary: '600 streams, ten per socket (nginx: 600 connections)',
  subjects: ['relay', 'nginx'],
  workload: (pace) => streamingWorkload(pace, 600, 60),
  figures: streamingSpecs({
    cpu: timesNginx(0.7),
    latencyP50: atMost(1),
    latencyP99: atMost(5),
  }),
  read: streamingFigures,
};
