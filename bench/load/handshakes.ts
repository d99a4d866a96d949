/** Opens and closes WebSockets one after the other on many lanes, as fast as this process can. */
import { once } from 'node:events';
import { connect } from 'node:net';

const AT_ONCE = 32;

/** The headers of a handshake that is in order but for its token. */
export const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
} as const;

/** One connection for each token; returns how many were served. @throws Error when one is refused */
export async function openEach(port: number, tokens: readonly string[]): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let token = tokens[next++]; token !== undefined; token = tokens[next++]) await open(port, token);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return tokens.length;
}

async function open(port: number, token: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const headers = { ...HANDSHAKE, authorization: `Bearer ${token}` };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  if (!head.toString('latin1').startsWith('HTTP/1.1 101')) throw new Error(`refused: ${head}`);
}
