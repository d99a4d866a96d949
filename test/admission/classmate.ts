/** Somebody else at the same address, who reads an answer: how long the pauses between its pieces are. */
import { connect, type Socket } from 'node:net';
import { head } from './raw-requests.ts';

export interface Gaps {
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
  readonly pieces: number;
}

export class Classmate implements Disposable {
  /** Whether an answer broke off before its end. */
  cutOff = false;
  readonly #port: number;
  readonly #token: string;
  readonly #body: () => string;
  #socket: Socket | undefined;
  #gaps: number[] = [];
  #last = Number.NaN;

  /** `body`: of a POST /v1/chat that is answered at length; the next is asked behind each answer. */
  constructor(port: number, token: string, body: () => string) {
    this.#port = port;
    this.#token = token;
    this.#body = body;
    this.#ask();
  }

  /** Of the pieces since it was asked last. A pause that goes on counts as long as it is by now. */
  gaps(): Gaps {
    const pause = performance.now() - this.#last;
    const sorted = [...this.#gaps, ...(Number.isNaN(pause) ? [] : [pause])].sort((a, b) => a - b);
    this.#gaps = [];
    const at = (share: number): number =>
      sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.POSITIVE_INFINITY;
    return { median: at(0.5), p99: at(0.99), pieces: sorted.length };
  }

  [Symbol.dispose](): void {
    this.#socket?.removeAllListeners('close').destroy();
  }

  #ask(): void {
    const socket = connect(this.#port, '127.0.0.1').setNoDelay(true);
    let done = false;
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (text: string) => {
      if (text.includes('event: done')) done = true;
      if (done) socket.end();
      else if (text.includes('event: chunk')) this.#tick();
    });
    socket.on('close', () => {
      this.#last = Number.NaN;
      if (done) this.#ask();
      else this.cutOff = true;
    });
    const body = this.#body();
    const headers = {
      authorization: `Bearer ${this.#token}`,
      accept: 'text/event-stream',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    socket.write(head('POST /v1/chat', headers) + body);
    this.#socket = socket;
  }

  #tick(): void {
    const now = performance.now();
    if (!Number.isNaN(this.#last)) this.#gaps.push(now - this.#last);
    this.#last = now;
  }
}

/** Whether a handshake with that token is accepted within ten seconds: its status, or `closed`. */
export function handshake(port: number, token: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const { promise, resolve } = Promise.withResolvers<string>();
  const late = setTimeout(() => resolve('late'), 10_000);
  socket.on('error', () => undefined);
  socket.once('data', (data) => resolve(data.toString('latin1').slice(9, 12)));
  socket.once('close', () => resolve('closed'));
  socket.write(
    head('GET /v1/ws', {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': 13,
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      authorization: `Bearer ${token}`,
    }),
  );
  return promise.finally(() => {
    clearTimeout(late);
    socket.destroy();
  });
}
