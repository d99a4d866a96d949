/** `GET /v1/streams`: which streams the caller has, a page at a time. */
import type { RouteHandlerMethod } from 'fastify';
import { RelayError } from '../../protocol/relay-error.ts';
import type { Relay } from '../../relay/relay.ts';
import { DEFAULT_PAGE, MAX_PAGE } from '../../relay/stream-list.ts';
import { principalOf } from '../admission/request-guard.ts';

export function listHandler(relay: Pick<Relay, 'streamsOf'>): RouteHandlerMethod {
  return (request) => {
    const { limit, before } = request.query as Readonly<Record<string, unknown>>;
    if (before !== undefined && typeof before !== 'string') throw badQuery('before: once');
    return relay.streamsOf(principalOf(request).userId, { limit: limitOf(limit), before });
  };
}

function limitOf(value: unknown): number {
  if (value === undefined) return DEFAULT_PAGE;
  const limit = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (limit < 1 || limit > MAX_PAGE) throw badQuery(`limit: 1 to ${MAX_PAGE}`);
  return limit;
}

function badQuery(message: string): RelayError {
  return new RelayError('bad_request', message);
}
