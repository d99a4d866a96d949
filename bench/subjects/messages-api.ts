/** The Messages API as it is, for whatever passes it through. */
import type { Door } from './port.ts';

export const MESSAGES_API: Door = {
  kind: 'sse',
  path: '/v1/messages',
  headers: { 'x-api-key': 'bench', 'anthropic-version': '2023-06-01' },
};
