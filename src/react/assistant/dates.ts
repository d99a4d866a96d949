/** When a conversation was: in which group it is listed, and how that is written. By the calendar of whoever looks. */

/** In this order. */
export const GROUPS = ['today', 'yesterday', 'lastWeek', 'older'] as const;

export type DateGroup = (typeof GROUPS)[number];

const DAY_MS = 86_400_000;

/** Whole calendar days; the hours that summer time takes or gives do not count. */
function daysBetween(earlier: number, later: number): number {
  const dayOf = (at: number): number => {
    const date = new Date(at);
    return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS;
  };
  return dayOf(later) - dayOf(earlier);
}

/** Both Unix ms. A clock that was set back puts nothing in the future: that is today. */
export function groupOf(at: number, now: number): DateGroup {
  const days = daysBetween(at, now);
  if (days <= 0) return 'today';
  if (days === 1) return 'yesterday';
  return days <= 7 ? 'lastWeek' : 'older';
}

/** Until the next midnight of the calendar, ms. */
export function untilTomorrow(now: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime() - now;
}

const TIME = { hour: 'numeric', minute: '2-digit' } as const;
const DAY = { day: 'numeric', month: 'short' } as const;

/** As short as can be: a time of today or yesterday, a weekday, a day, with the year where it is another one. */
export function shortDate(at: number, now: number, locale: string | undefined): string {
  const date = new Date(at);
  const group = groupOf(at, now);
  if (group === 'today' || group === 'yesterday') return date.toLocaleTimeString(locale, TIME);
  if (group === 'lastWeek') return date.toLocaleDateString(locale, { weekday: 'long' });
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString(locale, isThisYear ? DAY : { ...DAY, year: 'numeric' });
}

/** The day and the time, by which two of the same title are told apart. */
export function fullDate(at: number, locale: string | undefined): string {
  return new Date(at).toLocaleString(locale, { ...DAY, ...TIME });
}
