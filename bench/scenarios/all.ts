/** Every scenario, in the order they run. */
import type { Scenario } from '../scenario.ts';
import { cancel } from './cancel.ts';
import { churn } from './churn.ts';
import { cpu600x1 } from './cpu-600x1.ts';
import { cpu600x10 } from './cpu-600x10.ts';
import { firstToken } from './first-token.ts';
import { idle } from './idle.ts';
import { latency90 } from './latency-90.ts';
import { memory1000 } from './memory-1000.ts';
import { memoryBoth } from './memory-both.ts';

export const scenarios: readonly Scenario[] = [
  cpu600x10,
  cpu600x1,
  latency90,
  firstToken,
  cancel,
  memory1000,
  idle,
  memoryBoth,
  churn,
];
