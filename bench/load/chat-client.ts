/** A page of the AI SDK's `WebSocketChatTransport` under load: many chats on one socket, each asking again once it is answered. */
import { nowMicros } from '../stamp.ts';
import { ACTION, chatOf, type LoadClient, promptOf } from './client.ts';
import type { Meter } from './meter.ts';
import type { LoadOptions } from './port.ts';
import { WebSocketClient } from './web-socket.ts';

/** What a frame begins with. */
const CHUNK = Buffer.from('{"type":"chunk","requestId":"');
const QUOTE = 0x22;

export class ChatClient implements LoadClient {
  readonly ready: Promise<void>;
  readonly #opened = Promise.withResolvers<void>();
  readonly #meter: Meter;
  readonly #options: LoadOptions;
  readonly #socket: WebSocketClient;
  /** By request: when it was sent. */
  readonly #sentAt = new Map<string, number>();
  #serial = 0;

  /** @param options its name: unique in the run */
  constructor(options: LoadOptions & { readonly token: string }, meter: Meter) {
    this.#options = options;
    this.#meter = meter;
    this.ready = this.#opened.promise;
    const { path, headers } = options.door;
    this.#socket = new WebSocketClient(
      { ...options, path, headers: { ...headers, Authorization: `Bearer ${options.token}` } },
      {
        onOpen: () => {
          meter.connected += 1;
          this.#opened.resolve();
        },
        onBytes: (bytes) => meter.received(bytes),
        onText: (bytes, from, end) => this.#read(bytes, from, end),
        onClose: (reason) => this.#closed(reason),
      },
    );
  }

  start(): void {
    this.#serial += 1;
    const { name, deltasPerSecond } = this.#options;
    const requestId = `${name}-${this.#serial}`;
    this.#sentAt.set(requestId, nowMicros());
    this.#meter.started();
    const chat = chatOf(requestId, promptOf(requestId, deltasPerSecond));
    const body = { action: ACTION };
    this.#socket.send(JSON.stringify({ type: 'send', requestId, ...chat, headers: {}, body }));
  }

  acknowledge(): void {}

  #read(bytes: Buffer, from: number, end: number): void {
    if (bytes.compare(CHUNK, 0, CHUNK.length, from, from + CHUNK.length) === 0) {
      const idAt = from + CHUNK.length;
      const idEnd = bytes.indexOf(QUOTE, idAt);
      const sentAt = this.#sentAt.get(bytes.toString('latin1', idAt, idEnd)) ?? 0;
      this.#meter.chunk(bytes, idEnd, end, nowMicros(), sentAt);
      return;
    }
    const frame = JSON.parse(bytes.toString('utf8', from, end)) as { type: string; requestId: string };
    if (frame.type === 'start') return;
    if (frame.type !== 'end') this.#meter.fault(JSON.stringify(frame).slice(0, 100));
    this.#sentAt.delete(frame.requestId);
    this.#meter.ended(frame.type === 'end' ? 'done' : frame.type);
    this.start();
  }

  #closed(reason: string): void {
    for (const _ of this.#sentAt) this.#meter.ended('connection lost');
    this.#meter.connected -= 1;
    this.#meter.fault(`connection ${reason}`);
    this.#opened.reject(new Error(`a connection was refused: ${reason}`));
  }
}
