/**
 * How close this process is to the memory it may have. Past the limit the kernel kills it, and every stream with it:
 * refusing some work before that is the smaller harm. What is done about it is the core's affair.
 */
import type { Clock, Timer } from '../time/clock.ts';
import type { MemoryPressure } from './port.ts';
import { residentMemory } from './resources.ts';

const SAMPLE_MS = 1000;
/** Shares of the limit, largest first. */
const LEVELS: readonly (readonly [number, MemoryPressure])[] = [
  [0.95, 'critical'],
  [0.9, 'hard'],
  [0.8, 'soft'],
];

export function memoryPressure(residentBytes: number, limitBytes: number): MemoryPressure {
  const share = residentBytes / limitBytes;
  return LEVELS.find(([from]) => share >= from)?.[1] ?? 'none';
}

/** Reports the pressure each second; the caller cancels the timer. */
export function watchMemory(
  clock: Clock,
  limitBytes: number,
  report: (pressure: MemoryPressure) => void,
  residentBytes = residentMemory(),
): Timer {
  return clock.every(SAMPLE_MS, () => report(memoryPressure(residentBytes(), limitBytes)));
}

const BY_DEGREE: readonly MemoryPressure[] = ['none', 'soft', 'hard', 'critical'];

/**
 * Tells which reports are news: the first, what is worse than all before it, and that it is over. In between the pressure may go
 * up and down each second.
 */
export function newsOfPressure(): (pressure: MemoryPressure) => boolean {
  let worst = 0;
  return (pressure) => {
    const degree = BY_DEGREE.indexOf(pressure);
    const isNews = degree > worst || (degree === 0 && worst > 0);
    if (isNews) worst = degree;
    return isNews;
  };
}
