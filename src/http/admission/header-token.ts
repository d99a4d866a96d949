/** The bearer token of an Authorization header: the carrier of every client but a browser's WebSocket. */
import type { IncomingMessage } from 'node:http';
import { RelayError } from '../../protocol/relay-error.ts';

const BEARER = /^bearer +(\S+) *$/i;

/**
 * `undefined` without the header, or with another scheme.
 * @throws RelayError `bad_request` if the header is there twice: Node would silently keep the first
 */
export function headerToken(request: IncomingMessage): string | undefined {
  const { rawHeaders, headers } = request;
  let occurrences = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'authorization') occurrences += 1;
  }
  if (occurrences > 1) throw new RelayError('bad_request', 'send the token in one place');
  return BEARER.exec(headers.authorization ?? '')?.[1];
}

export function tokenMissing(): RelayError {
  return new RelayError('unauthorized', 'an access token is required; sign in to get one', {
    cause: 'token_missing',
  });
}
