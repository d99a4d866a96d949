import type { IncomingMessage } from 'node:http';

/** For the trace of what is started, as it came: who makes spans validates it. */
export function traceparentOf({ headers }: IncomingMessage): string | undefined {
  const { traceparent } = headers;
  return typeof traceparent === 'string' ? traceparent : undefined;
}
