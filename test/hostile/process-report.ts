/**
 * Loaded into a relay's process before its own code (`--import`): answers on PROCESS_REPORT_PORT with what the process
 * holds that no metric of the relay tells. Its own server is one of those it counts, all the time.
 */
import { channel } from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import { createServer } from 'node:http';

export interface ProcessReport {
  /** Of the process and of each server that listens, by event. */
  readonly listeners: Readonly<Record<string, number>>;
  /** Timers, sockets and other things that keep the event loop going, by kind. */
  readonly resources: Readonly<Record<string, number>>;
  /** Of the heap, bytes; without garbage where it would be more than `over` of the question. */
  readonly heapBytes: number;
}

const emitters = new Set<EventEmitter>([process]);
channel('tracing:net.server.listen:asyncEnd').subscribe((message) =>
  emitters.add((message as { readonly server: EventEmitter }).server),
);

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function listenersOf(emitter: EventEmitter): string[] {
  return emitter
    .eventNames()
    .flatMap((event) => Array<string>(emitter.listenerCount(event)).fill(String(event)));
}

function heapBytes(over: number): number {
  const { heapUsed } = process.memoryUsage();
  if (heapUsed <= over || globalThis.gc === undefined) return heapUsed;
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

createServer((request, response) => {
  const over = Number(new URL(request.url ?? '', 'http://localhost').searchParams.get('over'));
  const report: ProcessReport = {
    listeners: counted([...emitters].flatMap(listenersOf)),
    resources: counted(process.getActiveResourcesInfo()),
    heapBytes: heapBytes(over),
  };
  response.setHeader('connection', 'close').end(JSON.stringify(report));
}).listen(Number(process.env['PROCESS_REPORT_PORT']), '127.0.0.1');
