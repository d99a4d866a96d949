/** The operator is told of the daily budget once, and again where a raised one is used up. */
import { expect, it } from 'vitest';
import { SpendingWatch } from '../../../src/quota/spending-watch.ts';
import type { Shortage } from '../../../src/quota/verdict.ts';

function shortage(limitUsd: number, day: string, by: Shortage['by'] = 'used'): Shortage {
  const period = {
    kind: 'day',
    name: day,
    startsAt: 0,
    endsAt: 1,
  } as unknown as Shortage['counter']['period'];
  const counter = {
    key: 'spending',
    of: 'spending',
    scope: 'everybody',
    period,
    limit: limitUsd * 1e6,
  } as const;
  return { counter, standing: { used: 1, reserved: 0 }, by };
}

it('of one budget once a day, of one that was raised meanwhile again', () => {
  const told: unknown[] = [];
  const watch = new SpendingWatch({
    onBudgetSpent: ({ day, limitUsd }) => void told.push(['spent', day, limitUsd]),
    onBudgetReserved: ({ day, limitUsd }) => void told.push(['reserved', day, limitUsd]),
  });
  const days = ['2026-11-22', '2026-11-23'] as const;
  for (const [limitUsd, day] of [
    [5, days[0]],
    [5, days[0]],
    [20, days[0]],
    [20, days[0]],
    [20, days[1]],
  ] as const)
    watch.refused(shortage(limitUsd, day));
  watch.refused(shortage(20, days[1], 'reserved'));
  expect(told).toEqual([
    ['spent', days[0], 5],
    ['spent', days[0], 20],
    ['spent', days[1], 20],
    ['reserved', days[1], 20],
  ]);
});
