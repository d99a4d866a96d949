/** Tests that measure how late something is are not to measure the files that run beside them. */
import { constants, getPriority, setPriority } from 'node:os';
import { afterAll, beforeAll } from 'vitest';

/** Until its tests are done the file comes before others, with all processes it starts. Only root may; others do without. */
export function comeFirst(): void {
  const before = getPriority();
  beforeAll(() => {
    if (process.getuid?.() === 0) setPriority(constants.priority.PRIORITY_HIGH);
  });
  afterAll(() => {
    if (process.getuid?.() === 0) setPriority(before);
  });
}
