/** Nothing in between: the load generator reads the upstream itself, over plain HTTP. The floor under every latency. */
import { MESSAGES_API } from './messages-api.ts';
import type { Subject } from './port.ts';

export function directSubject(): Subject {
  return {
    name: 'direct',
    unavailable: null,
    version: '',
    directory: null,
    start: ({ plainPort }) =>
      Promise.resolve({
        port: plainPort,
        door: MESSAGES_API,
        pid: null,
        log: () => '',
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}
