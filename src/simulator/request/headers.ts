/** What the API reads of a request's headers. */
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../api-error.ts';
import { invalid } from './fields.ts';

export interface RequestHeaders {
  /** By the rules of version 2026-10-21, which takes less than those before. */
  readonly isStrict: boolean;
  readonly betas: ReadonlySet<string>;
}

const STRICT = '2026-10-21';
const VERSIONS: ReadonlySet<unknown> = new Set(['2023-01-01', '2023-06-01', STRICT]);

/** @throws ApiError `authentication_error` or `invalid_request_error` */
export function readHeaders(headers: IncomingHttpHeaders): RequestHeaders {
  if (!headers['x-api-key'] && !headers.authorization) {
    throw new ApiError('authentication_error', 'x-api-key header is required');
  }
  const version = headers['anthropic-version'];
  if (!version) throw invalid('anthropic-version: header is required');
  if (!VERSIONS.has(version)) throw invalid('anthropic-version: is not a version of this API');
  const betas = String(headers['anthropic-beta'] ?? '').split(',');
  return { isStrict: version === STRICT, betas: new Set(betas.map((beta) => beta.trim())) };
}

/**
 * The same of a request with a body.
 * @throws ApiError `authentication_error` or `invalid_request_error`
 */
export function readBodyHeaders(headers: IncomingHttpHeaders): RequestHeaders {
  const read = readHeaders(headers);
  if (!headers['content-type']?.startsWith('application/json')) {
    throw invalid('content-type: must be application/json');
  }
  return read;
}
