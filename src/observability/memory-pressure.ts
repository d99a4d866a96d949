/**
 * How close this process is to the memory it may have. Past the limit the kernel kills it, and every stream with it:
 * refusing some work before that is the smaller harm. What is done about it is the core's affair. What hovers at a mark must
 * not let new work in and out each second: a level that was reached is left late.
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
/** A level is left at once where memory is so far below its mark, as a share of the limit … */
const CLEARLY_BELOW = 0.03;
/** … and otherwise after so many samples below it. */
const SAMPLES_BELOW = 10;

export function memoryPressure(residentBytes: number, limitBytes: number): MemoryPressure {
  const share = residentBytes / limitBytes;
  return LEVELS.find(([from]) => share >= from)?.[1] ?? 'none';
}

/** Of one sample after the other: it rises at once, and falls late. */
export function steadyPressure(): (residentBytes: number, limitBytes: number) => MemoryPressure {
  let held = 0;
  let samplesBelow = 0;
  return (residentBytes, limitBytes) => {
    const now = degreeOf(memoryPressure(residentBytes, limitBytes));
    const clearly = degreeOf(memoryPressure(residentBytes + CLEARLY_BELOW * limitBytes, limitBytes));
    samplesBelow = now < held ? samplesBelow + 1 : 0;
    held = samplesBelow < SAMPLES_BELOW ? Math.max(now, Math.min(held, clearly)) : now;
    return BY_DEGREE[held] ?? 'none';
  };
}

/** Reports the pressure each second; the caller cancels the timer. */
export function watchMemory(
  clock: Clock,
  limitBytes: number,
  report: (pressure: MemoryPressure) => void,
  residentBytes = residentMemory(),
): Timer {
  const pressure = steadyPressure();
  return clock.every(SAMPLE_MS, () => report(pressure(residentBytes(), limitBytes)));
}

const BY_DEGREE: readonly MemoryPressure[] = ['none', 'soft', 'hard', 'critical'];

function degreeOf(pressure: MemoryPressure): number {
  return BY_DEGREE.indexOf(pressure);
}

/**
 * Tells which reports are news: the first, what is worse than all before it, and that it is over. In between the pressure may go
 * up and down each second.
 */
export function newsOfPressure(): (pressure: MemoryPressure) => boolean {
  let worst = 0;
  return (pressure) => {
    const degree = degreeOf(pressure);
    const isNews = degree > worst || (degree === 0 && worst > 0);
    if (isNews) worst = degree;
    return isNews;
  };
}
