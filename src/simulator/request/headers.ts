/** What the API wants of a request's headers. */
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../api-error.ts';
import { invalid } from './fields.ts';

const VERSIONS: ReadonlySet<unknown> = new Set(['2023-01-01', '2023-06-01', '2026-10-21']);

/** @throws ApiError `authentication_error` or `invalid_request_error` */
export function checkKey(headers: IncomingHttpHeaders): void {
  if (!headers['x-api-key'] && !headers.authorization) {
    throw new ApiError('authentication_error', 'x-api-key header is required');
  }
  const version = headers['anthropic-version'];
  if (!version) throw invalid('anthropic-version: header is required');
  if (!VERSIONS.has(version)) throw invalid('anthropic-version: is not a version of this API');
}

/** @throws ApiError `authentication_error` or `invalid_request_error` */
export function checkHeaders(headers: IncomingHttpHeaders): void {
  checkKey(headers);
  if (!headers['content-type']?.startsWith('application/json')) {
    throw invalid('content-type: must be application/json');
  }
}
