import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Watches the sockets that servers of this process accept from now on, on one port. */
export function watchServerSockets(port: number) {
  const sockets = new Set<Socket>();
  const accepted = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort === port) sockets.add(socket);
  };
  subscribe('net.server.socket', accepted);
  return {
    /** Bytes written to the fullest of them that the kernel has not taken. */
    get heldBytes() {
      return Math.max(0, ...[...sockets].map((socket) => socket.writableLength));
    },
    /** Bytes read from the one that sent most. */
    get readBytes() {
      return Math.max(0, ...[...sockets].map((socket) => socket.bytesRead));
    },
    [Symbol.dispose]: () => void unsubscribe('net.server.socket', accepted),
  };
}
