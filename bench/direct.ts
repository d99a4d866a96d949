/** Nothing in between: the load generator reads the upstream itself, over plain HTTP. The floor under every latency. */
import type { Subject } from './subject.ts';

export function directSubject(): Subject {
  return {
    name: 'direct',
    kind: 'sse',
    unavailable: null,
    version: 'no relay',
    start: ({ plainPort }) =>
      Promise.resolve({
        port: plainPort,
        pid: null,
        log: () => '',
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}
