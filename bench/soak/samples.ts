/** What a relay holds, as it says itself at /metrics and as the kernel says of its process. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../game-day/machine.ts';
import { socketsOf } from '../process-usage.ts';

/** Bytes, and counts. */
export interface Sample {
  /** Since the soak began. */
  readonly minutes: number;
  readonly resident: number;
  readonly heap: number;
  readonly external: number;
  /** Of logs of streams. */
  readonly logs: number;
  readonly timers: number;
  /** All that keeps the event loop, but for timers. */
  readonly handles: number;
  readonly descriptors: number;
  readonly sockets: number;
  readonly connections: number;
  readonly live: number;
  /** Requests at the model. */
  readonly upstream: number;
  /** Usage rows that Postgres does not have. */
  readonly outbox: number;
  /** Of the ledger on disk, its log included. */
  readonly ledger: number;
}

export const HELD = [
  'resident',
  'heap',
  'external',
  'logs',
  'timers',
  'handles',
  'descriptors',
  'sockets',
  'connections',
  'live',
  'upstream',
  'outbox',
  'ledger',
] as const satisfies readonly (keyof Sample)[];
export type Held = (typeof HELD)[number];

const TIMER = 'Timeout';

export async function takeSample(machine: Machine, minutes: number): Promise<Sample> {
  const text = await (await fetch(`http://${machine.metrics}/metrics`)).text();
  const value = (name: string) => valuesOf(text, name).get('') ?? Number.NaN;
  const resources = valuesOf(text, 'dash_nodejs_active_resources', 'type');
  const timers = resources.get(TIMER) ?? 0;
  return {
    minutes,
    resident: value('dash_process_resident_memory_bytes'),
    heap: value('dash_nodejs_heap_size_used_bytes'),
    external: value('dash_nodejs_external_memory_bytes'),
    logs: value('dash_stream_log_bytes'),
    timers,
    handles: [...resources.values()].reduce((sum, each) => sum + each, 0) - timers,
    descriptors: readdirSync(`/proc/${machine.pid}/fd`).length,
    sockets: socketsOf(machine.pid),
    connections: value('dash_connections') + value('dash_http_connections'),
    live: value('dash_live_streams'),
    upstream: value('dash_upstream_requests'),
    outbox: value('dash_usage_rows_waiting'),
    ledger: bytesIn(machine.dataDirectory),
  };
}

/** Values of a metric by one label; by '' where it has none. */
function valuesOf(text: string, name: string, label?: string): ReadonlyMap<string, number> {
  const lines = text.matchAll(new RegExp(`^${name}(?:\\{([^}]*)\\})? (\\S+)$`, 'gm'));
  return new Map(
    Array.from(lines, ([, labels = '', value]) => {
      const [, of = ''] = label === undefined ? [] : (new RegExp(`${label}="([^"]*)"`).exec(labels) ?? []);
      return [of, Number(value)];
    }),
  );
}

function bytesIn(directory: string): number {
  return readdirSync(directory)
    .filter((name) => name.startsWith('usage.db'))
    .reduce((sum, name) => sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Of each quantity the median: one look in between says little of memory. */
export function medianOf(samples: readonly Sample[]): Sample {
  const middle = (of: keyof Sample): number => {
    const sorted = samples.map((sample) => sample[of]).toSorted((left, right) => left - right);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return Object.fromEntries(['minutes' as const, ...HELD].map((of) => [of, middle(of)])) as unknown as Sample;
}
