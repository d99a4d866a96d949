/** Opens every WebSocket and ends it at once in the way its path asks for. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const ACCEPT = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CLOSE = 0x88;
export const REASON = 'why';

/** How a connection ends: by a close frame with a code or without one (`none`), or without a close frame. */
export const ENDINGS = [
  ...['1000', '1001', '1002', '1003', '1007', '1008', '1009', '1010', '1011', '1012', '1013', '1014'],
  ...['3000', '4400', '4401', '4403', '4408', '4429', '4503', 'none', 'end', 'reset'],
];

/** @returns its URL, to which one of `ENDINGS` is to be added, and what stops it */
export async function startClosingServer() {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>close codes</title>');
  });
  const sockets = new Set<Socket>();
  server.on('upgrade', (request: IncomingMessage, stream) => {
    const socket = stream as Socket;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    socket.write(handshakeAnswer(request));
    end(socket, new URL(request.url ?? '', 'http://a').pathname.slice(1));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
    server.closeAllConnections();
  };
  return { url: `ws://127.0.0.1:${port}/`, pageUrl: `http://127.0.0.1:${port}/`, close };
}

function handshakeAnswer({ headers }: IncomingMessage): string {
  const key = createHash('sha1').update(`${headers['sec-websocket-key']}${ACCEPT}`).digest('base64');
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  return [...lines, `Sec-WebSocket-Accept: ${key}`, '', ''].join('\r\n');
}

/** As a server does: a close frame, then the end of the connection once the client has answered. */
function end(socket: Socket, how: string): void {
  if (how === 'end') {
    socket.end();
  } else if (how === 'reset') {
    // What was written has to arrive first.
    setTimeout(() => socket.resetAndDestroy(), 100);
  } else {
    socket.write(closeFrame(how === 'none' ? undefined : Number(how)));
    socket.once('data', () => socket.end());
  }
  socket.resume();
}

function closeFrame(code: number | undefined): Buffer {
  if (code === undefined) return Buffer.from([CLOSE, 0]);
  const payload = Buffer.from([code >> 8, code & 0xff, ...Buffer.from(REASON)]);
  return Buffer.concat([Buffer.from([CLOSE, payload.length]), payload]);
}
