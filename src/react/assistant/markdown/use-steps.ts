import { useEffect, useState } from 'react';

/** As many rows, items or blocks are drawn without a pause. */
export const STEP = 60;

/** How many of `count` parts to draw now. The rest follows step by step, so that a long answer never holds the page up. */
export function useSteps(count: number): number {
  const [allowed, allow] = useState(STEP);
  const isNearlyFull = count > allowed - STEP / 2; // some steps ahead of what grows
  useEffect(() => {
    if (!isNearlyFull) return;
    const timer = setTimeout(() => allow(allowed + STEP));
    return () => clearTimeout(timer);
  }, [isNearlyFull, allowed]);
  return Math.min(count, allowed);
}
