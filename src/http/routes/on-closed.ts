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
  const closed = (): void => {
    response.off('close', closed);
    socket.off('close', closed);
    callback();
  };
  response.on('close', closed);
  socket.on('close', closed);
}
