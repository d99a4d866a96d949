import type { Scenario } from '../scenario.ts';
import { streamingWorkload } from '../workload.ts';
import { memoryFigures, memorySpecs } from './memory-1000.ts';

export const memoryBoth: Scenario = {
  name: 'memory-both',
  summary: '10,000 connections, 1,000 of them with a live stream',
  subjects: ['relay'],
  longOnly: true,
  workload: (pace) => streamingWorkload(pace, 1000, 10_000),
  figures: memorySpecs(190),
  read: memoryFigures,
};
