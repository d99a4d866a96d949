/** Parts that are loaded when they are needed, and again where that fails. */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import type { Loader } from './loader.ts';

/** The network may be back by then, ms. */
const AGAIN_MS = 3000;

export function useParts<T>(loader: Loader<T>) {
  const parts = useSyncExternalStore(loader.subscribe, loader.get, loader.get);
  const [isNeeded, setNeeded] = useState(false);
  const [isMissing, setMissing] = useState(false);
  const need = useCallback(() => setNeeded(true), []);
  useEffect(() => {
    if (!isNeeded || parts !== undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const load = (): void => {
      loader.whenLoaded().catch(() => {
        if (isOver) return;
        setMissing(true);
        timer = setTimeout(load, AGAIN_MS);
      });
    };
    load();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [loader, isNeeded, parts]);
  return { parts, isMissing, need };
}
