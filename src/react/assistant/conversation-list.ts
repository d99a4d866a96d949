/** What the list of conversations says: in groups by day, each with a title that no other has. */
import type { ConversationSummary } from '../store/conversation-store.ts';
import { type DateGroup, type DateWords, dateWords, GROUPS, groupOf } from './dates.ts';

export interface ListedConversation {
  readonly summary: ConversationSummary;
  /** What tells it from others of the same title; undefined where there are none. */
  readonly distinction: string | undefined;
  readonly when: string;
}

export interface ListedGroup {
  readonly group: DateGroup;
  readonly entries: readonly ListedConversation[];
}

/** `list`: the latest first, as it stays. */
export function groupConversations(
  list: readonly ConversationSummary[],
  now: number,
  locale: string | undefined,
): ListedGroup[] {
  const dates = dateWords(locale);
  const distinctions = distinguish(list, dates);
  const entries = list.map((summary) => ({
    summary,
    distinction: distinctions.get(summary.id),
    when: dates.short(summary.askedAt, now),
  }));
  return GROUPS.map((group) => ({
    group,
    entries: entries.filter(({ summary }) => groupOf(summary.askedAt, now) === group),
  })).filter((each) => each.entries.length > 0);
}

/** By id: the day and time of those whose title is not the only one, with a number where that is the same too. */
function distinguish(list: readonly ConversationSummary[], dates: DateWords): Map<string, string> {
  const titles = new Map<string, number>();
  for (const { title } of list) titles.set(title, (titles.get(title) ?? 0) + 1);
  const same = new Map<string, number>();
  const distinctions = new Map<string, string>();
  for (const { id, title, askedAt } of [...list].reverse()) {
    if (titles.get(title) === 1) continue;
    const date = dates.full(askedAt);
    const key = `${title}\n${date}`;
    const number = (same.get(key) ?? 0) + 1;
    same.set(key, number);
    distinctions.set(id, number === 1 ? date : `${date} (${number})`);
  }
  return distinctions;
}
