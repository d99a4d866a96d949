import type { Scenario } from '../scenario.ts';
import { aboveDirect } from '../target.ts';
import { streamingWorkload } from '../workload.ts';
import { streamingFigures, streamingSpecs } from './streaming.ts';

export const latency90: Scenario = {
  name: 'latency-90',
  summary: '90 streams, one per socket; `direct` is the floor: upstream and load generator alone',
  subjects: ['relay', 'nginx', 'direct'],
  workload: (pace) => streamingWorkload(pace, 90, 90),
  figures: streamingSpecs({ latencyP50: aboveDirect(1), latencyP99: aboveDirect(1) }),
  read: streamingFigures,
};
