/** What the observer is told of HTTP requests: which route they asked, what for, and whose they are. */
import type { FastifyRequest } from 'fastify';
import { runStreamIn } from '../../ag-ui/run-input.ts';
import type { Caller, Door, Observer, Refused } from '../../observability/port.ts';
import type { RelayError } from '../../protocol/relay-error.ts';
import { refusedOrigin } from '../websocket/upgrade-request.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token came with it, once that was verified. */
    userId: string | null;
  }
}

const STREAM_ID = /^[A-Za-z0-9_-]{1,64}$/;

export function callerOf(request: FastifyRequest): Caller {
  return { door: routeOf(request)[0], requestId: request.id, connectionId: null };
}

export function wantsEvents({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/event-stream') === true;
}

/** Tells the observer of a request that is answered with an error. */
export function observeRefusal(observer: Observer, request: FastifyRequest, error: RelayError): void {
  const { code, cause } = error;
  observer.refused({
    ...callerOf(request),
    userId: request.userId,
    streamId: streamIdOf(request),
    of: routeOf(request)[1],
    code,
    cause,
    origin: refusedOrigin(request.raw, error),
  });
}

function routeOf(request: FastifyRequest): readonly [door: Door, of: Refused] {
  // A request that no route takes has no configuration either.
  const { door = 'http', of = 'request' } = request.routeOptions.config ?? {};
  return [of === 'start' && door === 'json' && wantsEvents(request) ? 'sse' : door, of];
}

/**
 * Of the path or the body, where it looks like one: other text is a stranger's. At the AI SDK's routes ids are those of chats; at AG-UI's
 * the stream is named by others.
 */
function streamIdOf({ params, body, routeOptions }: FastifyRequest): string | null {
  const { door } = routeOptions.config ?? {};
  if (door === 'ai_sdk') return null;
  if (door === 'ag_ui') return runStreamIn(body) ?? null;
  const { id } = { ...fieldsOf(body), ...fieldsOf(params) };
  return typeof id === 'string' && STREAM_ID.test(id) ? id : null;
}

function fieldsOf(value: unknown): { readonly id?: unknown } {
  return typeof value === 'object' && value !== null ? value : {};
}
