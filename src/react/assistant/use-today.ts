import { useEffect, useState } from 'react';
import { untilTomorrow } from './dates.ts';

/** Timers may be early by some ms, and what is due at midnight is due after it. */
const LATER_MS = 1000;

/** Unix ms of the present, renewed whenever a new day begins. */
export function useToday(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setTimeout(() => setNow(Date.now()), untilTomorrow(now) + LATER_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return now;
}
