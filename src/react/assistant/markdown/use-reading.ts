import { useLayoutEffect, useState } from 'react';
import { useTurns } from '../turns.tsx';

/** Characters that are read in one turn. */
const SLICE = 4096;
/** What reading them costs, in native elements. */
const WEIGHT = 60;

export interface Reading {
  /** So many characters are to be read now. */
  readonly length: number;
  /** All has been read at least once that there was: what is drawn from now on stays where it is. */
  readonly isBegun: boolean;
}

/** How much of a text of `length` to read now: one that is long when it comes is read slice by slice, each in its turn. */
export function useReading(length: number, isGrowing: boolean): Reading {
  const turns = useTurns();
  const [allowed, allow] = useState(isGrowing ? SLICE : 0);
  const [wasRead, setRead] = useState(false);
  const isRead = allowed >= length;
  const isNearlyRead = allowed < length + SLICE / 2; // of what grows some is allowed ahead
  const weight = (WEIGHT * Math.min(SLICE, Math.max(0, length - allowed))) / SLICE;
  useLayoutEffect(() => {
    if (isRead) setRead(true);
    if (isRead && !(isGrowing && isNearlyRead)) return;
    return turns.request(weight, () => allow(allowed + SLICE));
  }, [turns, allowed, isRead, isGrowing, isNearlyRead, weight]);
  useLayoutEffect(() => {
    if (allowed > 0) turns.flush();
  }, [turns, allowed]);
  return { length: Math.min(length, allowed), isBegun: wasRead || isRead };
}
