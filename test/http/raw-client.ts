import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type HandshakeOptions, handshake } from './handshake.ts';

/** A socket that keeps all it was sent, as latin1 text: one char per byte. */
export class RawClient {
  readonly socket: Socket;
  text = '';
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    // A reset is one of the ways in which a server may hang up.
    socket.on('error', () => {});
    socket.setEncoding('latin1');
    socket.on('data', (data: string) => {
      this.text += data;
      for (const wake of this.#waiting) wake();
    });
    socket.on('close', () => {
      for (const wake of this.#waiting) wake();
    });
  }

  send(data: string | Buffer): this {
    this.socket.write(data, 'latin1');
    return this;
  }

  /** Resolves when what came holds `part`; rejects if the server hangs up before. */
  async until(part: string): Promise<this> {
    while (!this.text.includes(part)) {
      if (this.socket.closed) throw new Error(`closed before ${JSON.stringify(part)}: ${this.text}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
    return this;
  }

  /** All that came until the server hung up. */
  async untilClosed(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.text;
  }
}

export async function openRaw(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return new RawClient(socket);
}

/** Sends one text and returns all that came until the server hung up. */
export async function exchange(port: number, request: string): Promise<string> {
  return (await openRaw(port)).send(request).untilClosed();
}

/** Status, headers (names in lower case) and JSON body of one raw answer. */
export function parseAnswer(text: string) {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const error = body.startsWith('{')
    ? (JSON.parse(body) as { error: Record<string, unknown> }).error
    : undefined;
  return { status: Number(statusLine.split(' ')[1]), headers, error };
}

/** What a refused handshake is told. */
export async function refusedHandshake(port: number, options: HandshakeOptions = {}, body = '') {
  return parseAnswer(await exchange(port, handshake(options) + body));
}

/** A handshake that must succeed: resolves behind the 101. */
export async function openHandshake(port: number, options: HandshakeOptions = {}): Promise<RawClient> {
  const client = await openRaw(port);
  return client.send(handshake(options)).until('\r\n\r\n');
}

/** One request there and back: what happened on other sockets before has reached the server by then. */
export async function roundTrip(port: number): Promise<void> {
  await exchange(port, 'GET /healthz HTTP/1.1\r\nHost: relay.example\r\nConnection: close\r\n\r\n');
}
