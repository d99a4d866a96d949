import { closeSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { descriptorLimit, residentMemory } from '../../src/observability/resources.ts';

it('tells the resident memory as Node does', () => {
  const resident = residentMemory();
  const ratio = resident() / process.memoryUsage.rss();
  expect(ratio).toBeGreaterThan(0.8);
  expect(ratio).toBeLessThan(1.25);
});

it('opens nothing to tell it', () => {
  const resident = residentMemory();
  const lowest = openSync('/dev/null', 'r');
  closeSync(lowest);
  resident();
  const again = openSync('/dev/null', 'r');
  closeSync(again);
  expect(again).toBe(lowest);
});

it('knows how many descriptors this process may have', () => {
  expect(descriptorLimit()).toBeGreaterThan(64);
});
