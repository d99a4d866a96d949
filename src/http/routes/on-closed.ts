import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';

/**
 * Calls back once, when nothing more of this answer can leave: all of it did, or its caller is gone, perhaps before now.
 * A response that waits for another on its connection is told nothing of its end; so the connection is asked too.
 */
export function onClosed({ raw: response, request }: FastifyReply, callback: () => void): void {
  const { socket } = request.raw;
  if (response.destroyed || socket.destroyed) {
    callback();
    return;
  }
  onFirstClosed(response, socket, callback);
}

/** Calls back once, when one of both closes: Node does not tell a message of each end of its connection. */
export function onFirstClosed(
  message: IncomingMessage | ServerResponse,
  socket: Socket,
  callback: () => void,
): void {
  const closed = (): void => {
    message.off('close', closed);
    socket.off('close', closed);
    callback();
  };
  message.on('close', closed);
  socket.on('close', closed);
}
