/** The list of conversations: by the days of a calendar, and no two alike. */
import { describe, expect, it, vi } from 'vitest';
import { groupConversations } from '../../src/react/assistant/conversation-list.ts';
import { dateWords, groupOf, untilTomorrow } from '../../src/react/assistant/dates.ts';
import type { ConversationSummary } from '../../src/react/store/conversation-store.ts';

/** Of the calendar here, wherever that is. */
const at = (month: number, day: number, hour = 12, minute = 0, year = 2026): number =>
  new Date(year, month - 1, day, hour, minute).getTime();

describe('a day of the calendar', () => {
  it.each([
    ['a moment ago', at(11, 29, 23, 58), at(11, 29, 23, 59), 'today'],
    ['the first minute of the day', at(11, 29, 0, 0), at(11, 29, 23, 59), 'today'],
    ['two minutes ago, before midnight', at(11, 28, 23, 59), at(11, 29, 0, 1), 'yesterday'],
    ['nearly two days ago', at(11, 28, 0, 0), at(11, 29, 23, 59), 'yesterday'],
    ['the day before yesterday', at(11, 27, 23, 59), at(11, 29, 0, 0), 'lastWeek'],
    ['seven days ago', at(11, 22), at(11, 29), 'lastWeek'],
    ['eight days ago', at(11, 21), at(11, 29), 'older'],
    ['yesterday, over the end of summer time', at(10, 25, 0, 30), at(10, 26, 23, 30), 'yesterday'],
    ['yesterday, over its begin', at(3, 28, 23, 30), at(3, 29, 23, 30), 'yesterday'],
    ['yesterday, in another year', at(12, 31, 12, 0, 2025), at(1, 1, 12, 0), 'yesterday'],
    ['tomorrow, by a clock that was set back', at(11, 30), at(11, 29), 'today'],
  ] as const)('is told: %s', (_what, then, now, group) => {
    expect(groupOf(then, now)).toBe(group);
  });

  it('ends at midnight', () => {
    expect(untilTomorrow(at(11, 29, 23, 59))).toBe(60_000);
    expect(untilTomorrow(at(12, 31, 0, 0))).toBe(24 * 3_600_000);
  });

  it.each([
    ['today', at(11, 29, 10, 5), '10:05'],
    ['yesterday', at(11, 28, 10, 5), '10:05'],
    ['within a week', at(11, 25), 'Mittwoch'],
    ['in this year', at(3, 1), '1. März'],
    ['in an earlier year', at(3, 1, 12, 0, 2025), '1. März 2025'],
  ])('is written as short as can be: %s', (_what, then, written) => {
    expect(dateWords('de').short(then, at(11, 29))).toBe(written);
  });
});

const summary = (id: string, title: string, askedAt: number): ConversationSummary => ({
  ...{ id, title, askedAt, status: 'done', isAnswering: false, unread: false },
});

it('formats the dates of a long list by few formats: to make one takes longer than a date', () => {
  const now = at(11, 29, 12);
  const list = Array.from({ length: 200 }, (_, n) => summary(`${n}`, 'Same', now - n * 40_000_000));
  const made = vi.spyOn(Intl, 'DateTimeFormat');
  const alone = vi.spyOn(Date.prototype, 'toLocaleString');
  const entries = groupConversations(list, now, 'en').flatMap((group) => group.entries);
  expect(entries).toHaveLength(200);
  expect(made.mock.calls.length).toBeLessThanOrEqual(10);
  expect(alone).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

it('lists in groups, the latest first, without those that are empty', () => {
  const now = at(11, 29, 12);
  const list = [summary('a', 'A', now), summary('b', 'B', at(11, 29, 8)), summary('c', 'C', at(10, 1))];
  const groups = groupConversations(list, now, 'en').map(({ group, entries }) => [
    group,
    entries.map((entry) => entry.summary.id),
  ]);
  expect(groups).toEqual([
    ['today', ['a', 'b']],
    ['older', ['c']],
  ]);
});

it('tells those of one title apart: by day and time, and by a number where these are the same', () => {
  const now = at(11, 29, 12);
  const list = [
    summary('e', 'Same', now),
    summary('d', 'Same', now),
    summary('c', 'Other', now),
    summary('b', 'Same', now),
    summary('a', 'Same', at(11, 1, 10)),
  ];
  const distinctions = groupConversations(list, now, 'en-GB')
    .flatMap(({ entries }) => entries)
    .map(({ summary: { id }, distinction }) => [id, distinction]);
  expect(distinctions).toEqual([
    ['e', '29 Nov, 12:00 (3)'],
    ['d', '29 Nov, 12:00 (2)'],
    ['c', undefined],
    ['b', '29 Nov, 12:00'],
    ['a', '1 Nov, 10:00'],
  ]);
});
