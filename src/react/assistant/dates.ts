/** When a conversation was: in which group it is listed, and how that is written. By the calendar of whoever looks. */
import { regional } from './local-time.ts';

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
const WEEKDAY = { weekday: 'long' } as const;
const DAY = { day: 'numeric', month: 'short' } as const;
const DAY_OF_YEAR = { ...DAY, year: 'numeric' } as const;
const DAY_AND_TIME = { ...DAY, ...TIME } as const;

export interface DateWords {
  /** As short as can be: a time of today or yesterday, a weekday, a day, with the year where it is another one. */
  short(at: number, now: number): string;
  /** The day and the time, by which two of the same title are told apart. */
  full(at: number): string;
}

/** For one list: making a format takes longer than all of its dates, and one that was kept would stay in a time zone one has left. */
export function dateWords(locale: string | undefined): DateWords {
  const made = new Map<object, Intl.DateTimeFormat>();
  const write = (at: number, options: Intl.DateTimeFormatOptions): string => {
    const format = made.get(options) ?? new Intl.DateTimeFormat(locale && regional(locale), options);
    made.set(options, format);
    return format.format(at);
  };
  return {
    short(at, now) {
      const group = groupOf(at, now);
      if (group === 'today' || group === 'yesterday') return write(at, TIME);
      if (group === 'lastWeek') return write(at, WEEKDAY);
      const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
      return write(at, isThisYear ? DAY : DAY_OF_YEAR);
    },
    full: (at) => write(at, DAY_AND_TIME),
  };
}
