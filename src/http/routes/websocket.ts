import type { FastifyInstance } from 'fastify';
import { RelayError } from '../../protocol/relay-error.ts';
import { WEBSOCKET_PATHS } from '../websocket/upgrade-request.ts';

/** What the WebSocket paths say to a request that is no upgrade. */
export function websocketRoutes(app: FastifyInstance): void {
  for (const path of WEBSOCKET_PATHS) {
    app.get(path, () => {
      throw new RelayError('upgrade_required', 'connect with a WebSocket');
    });
  }
}
