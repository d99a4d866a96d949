/**
 * One visit by WebSocket: a few questions on one connection, each frame checked against PROTOCOL.md. The connection may be
 * lost, by the visitor's own doing or not: another one is opened, at another machine where there is one, and what has not
 * ended is read on.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type ErrorFrame, type ServerFrame, SUBPROTOCOL } from '../../src/protocol/frames.ts';
import { HeldStream, type StreamFrame } from '../../test/support/held-stream.ts';
import { parseServerFrame } from '../../test/support/server-frame.ts';
import { questionOf } from './answers.ts';
import { type Books, leavingOf } from './books.ts';

/** `stops`: cancels. `loses`: its connection, twice. `dawdles`: takes nothing for a while. */
export type Manner = 'reads' | 'stops' | 'loses' | 'dawdles';

export interface SocketVisitParts {
  readonly books: Books;
  readonly token: string;
  /** The machine it comes to, and the one for after a loss. */
  readonly urls: readonly [string, string];
  readonly manner: Manner;
  /** Numbers of its questions: no other visit has them. */
  readonly questions: readonly number[];
}

const GIVE_UP_MS = 90_000;
const ACK_FRAMES = 16;
/** How far a visitor reads before it does what is its manner. */
const READS_FIRST = 12;
const LOSSES = 2;
const DAWDLES_MS = 3000;
/** Late frames are seen too. */
const LINGER_MS = 200;
const BACK_AFTER_MS = 200;
const LONGEST_WAIT_MS = 5000;

export class SocketVisit {
  readonly #parts: SocketVisitParts;
  readonly #streams: ReadonlyMap<string, HeldStream>;
  /** Codes of streams that cannot be read on. */
  readonly #lost = new Map<string, string>();
  readonly #unacked = new Map<string, number>();
  #frames = 0;
  #losses = 0;
  #acted = false;

  constructor(parts: SocketVisitParts) {
    this.#parts = parts;
    this.#streams = new Map(
      parts.questions.map((number) => {
        const id = `soak-${number}`;
        const messages = [{ role: 'user' as const, content: questionOf(number) }];
        return [id, new HeldStream({ type: 'start', id, action: 'chat', messages }, id)];
      }),
    );
  }

  /** Resolves when all that it asked for has ended, or it gave up. */
  async play(): Promise<void> {
    const { books, urls } = this.#parts;
    const until = performance.now() + GIVE_UP_MS;
    for (let attempt = 0; this.#unended.length > 0 && performance.now() < until; attempt += 1) {
      books.count('connections');
      await delay(await this.#connect(urls[attempt % urls.length] ?? urls[0]));
    }
    for (const stream of this.#streams.values())
      books.left(leavingOf(stream, 'websocket', this.#lost.get(stream.id)));
  }

  get #unended(): readonly HeldStream[] {
    return [...this.#streams.values()].filter((stream) => !stream.over && !this.#lost.has(stream.id));
  }

  /** Resolves when the connection is gone, with how long to wait for the next, ms. */
  #connect(url: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const { token, books } = this.#parts;
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, [SUBPROTOCOL, `bearer.${token}`]);
    let waitMs = BACK_AFTER_MS * (1 + Math.random());
    const giveUp = setTimeout(() => socket.terminate(), GIVE_UP_MS);
    for (const stream of this.#streams.values()) stream.connectionLost();
    this.#unacked.clear();
    socket.on('unexpected-response', (_request, response) => {
      books.count(`handshake ${response.statusCode}`);
      waitMs = Math.min(
        LONGEST_WAIT_MS,
        Math.max(waitMs, 1000 * Number(response.headers['retry-after'] ?? 0)),
      );
      response.resume();
      socket.terminate();
    });
    socket.on('message', (data) => this.#receive(socket, String(data)));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearTimeout(giveUp);
      resolve(waitMs);
    });
    return promise;
  }

  #receive(socket: WebSocket, json: string): void {
    try {
      this.#take(socket, parseServerFrame(json));
    } catch (cause) {
      this.#parts.books.broke(cause as Error);
      for (const { id } of this.#unended) this.#lost.set(id, 'broken');
      socket.terminate();
    }
  }

  #take(socket: WebSocket, frame: ServerFrame): void {
    if (frame.type === 'hello') {
      this.#ask(socket);
      return;
    }
    if (!('id' in frame) || frame.id === undefined) {
      if (frame.type === 'error') throw new Error(`an error for nothing: ${JSON.stringify(frame)}`);
      return;
    }
    const stream = this.#streams.get(frame.id);
    if (stream === undefined) throw new Error(`a stream of somebody else: ${JSON.stringify(frame)}`);
    if (stream.take(frame as StreamFrame) === 'gap') this.#resume(socket, stream);
    if (frame.type === 'error' && frame.of === 'resume') this.#refused(socket, stream, frame);
    if (frame.type === 'chunk') this.#read(socket, stream);
    if (this.#unended.length === 0) setTimeout(() => socket.close(1000), LINGER_MS);
  }

  #ask(socket: WebSocket): void {
    for (const stream of this.#unended) {
      if (stream.epoch !== undefined) {
        this.#resume(socket, stream);
        continue;
      }
      stream.asked('start');
      socket.send(JSON.stringify(stream.startFrame));
    }
  }

  #resume(socket: WebSocket, stream: HeldStream): void {
    const { id, epoch, seq: after } = stream;
    this.#parts.books.count('resumes');
    stream.asked('resume', after);
    socket.send(JSON.stringify({ type: 'resume', id, epoch, after }));
  }

  #refused(socket: WebSocket, stream: HeldStream, { code, retryable, retryAfterMs = 0 }: ErrorFrame): void {
    if (!retryable) {
      this.#lost.set(stream.id, code);
      return;
    }
    setTimeout(() => {
      if (socket.readyState === WebSocket.OPEN && !stream.over) this.#resume(socket, stream);
    }, retryAfterMs);
  }

  #read(socket: WebSocket, stream: HeldStream): void {
    this.#frames += 1;
    const unacked = (this.#unacked.get(stream.id) ?? 0) + 1;
    this.#unacked.set(stream.id, unacked % ACK_FRAMES);
    if (unacked === ACK_FRAMES) socket.send(JSON.stringify({ type: 'ack', id: stream.id, seq: stream.seq }));
    if (this.#frames < READS_FIRST) return;
    const { manner } = this.#parts;
    if (manner === 'loses' && this.#losses < LOSSES) {
      this.#losses += 1;
      this.#frames = 0;
      socket.terminate();
    }
    if (this.#acted) return;
    this.#acted = true;
    if (manner === 'stops') {
      stream.asked('cancel');
      socket.send(JSON.stringify({ type: 'cancel', id: stream.id }));
    } else if (manner === 'dawdles') {
      socket.pause();
      setTimeout(() => socket.resume(), DAWDLES_MS);
    }
  }
}
