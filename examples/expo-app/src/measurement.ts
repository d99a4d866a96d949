import type { StreamingMetrics, TrackMetrics } from '@dash-relay/client';
import { useSyncExternalStore } from 'react';

let latest: StreamingMetrics | undefined;
const listeners = new Set<() => void>();

/** For the client: called once for each answer, when it has ended. An app hands in its analytics here. */
export const measure: TrackMetrics = (_event, metrics) => {
  latest = metrics;
  for (const changed of listeners) changed();
};

/** What was measured of the answer that ended last: durations and counts, no words. */
export function useMeasurement(): StreamingMetrics | undefined {
  return useSyncExternalStore(subscribe, read, read);
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  return () => listeners.delete(changed);
}

function read(): StreamingMetrics | undefined {
  return latest;
}
