import { useLayoutEffect, useRef } from 'react';

/**
 * Opened while the component is on the screen. It closes a turn later and only if the component has not come back:
 * StrictMode takes each away once and puts it back, and an answer should not notice.
 */
export function useOpened(resource: { open(): void; close(): void }): void {
  const mounts = useRef(0);
  useLayoutEffect(() => {
    mounts.current += 1;
    resource.open();
    return () => {
      const mount = mounts.current;
      queueMicrotask(() => {
        if (mounts.current === mount) resource.close();
      });
    };
  }, [resource]);
}
