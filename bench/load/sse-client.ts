/**
 * A client of server-sent events over plain HTTP/1.1, for peers that pass the Messages API on or make events of their
 * own of it, and for the relay's own routes: one request after the other on one connection kept alive. Counts deltas by their stamps, reads no event.
 */
import type { Socket } from 'node:net';
import { nowMicros, STAMP_BYTES } from '../stamp.ts';
import type { Door } from '../subjects/port.ts';
import { ACTION, chatOf, type LoadClient, promptOf } from './client.ts';
import type { Meter } from './meter.ts';
import type { LoadOptions } from './port.ts';
import { connectShared } from './read-buffer.ts';

const LAST_CHUNK = '\r\n0\r\n\r\n';
const AT = 0x40;

export class SseClient implements LoadClient {
  readonly ready: Promise<void>;
  readonly #socket: Socket;
  readonly #meter: Meter;
  readonly #options: LoadOptions;
  /** The request's head, but for the length of its body. */
  readonly #head: string;
  #serial = 0;
  #startSentAt = 0;
  /** The last bytes read, to find the end of the body across reads. */
  #tail = '';
  /** A stamp whose digits have not all come yet. */
  #rest: Buffer | null = null;
  #live = false;

  /** @param options its name: unique in the run; `token`: '' where the door asks for none */
  constructor(options: LoadOptions & { readonly token: string }, meter: Meter) {
    this.#options = options;
    this.#meter = meter;
    const { path, headers } = options.door;
    const bearer = options.token === '' ? {} : { Authorization: `Bearer ${options.token}` };
    const about = { 'Content-Type': 'application/json', Accept: 'text/event-stream' };
    const all = { Host: `127.0.0.1:${options.port}`, ...about, ...bearer, ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#head = `POST ${path} HTTP/1.1\r\n${lines.join('')}`;
    this.#socket = connectShared(options.port, (bytes, length) => this.#read(bytes, length));
    this.ready = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve);
      this.#socket.once('error', reject);
    });
    this.#socket.once('connect', () => {
      meter.connected += 1;
    });
    this.#socket.on('error', () => undefined);
    this.#socket.once('close', () => this.#closed());
  }

  start(): void {
    this.#serial += 1;
    const { name, deltasPerSecond, door } = this.#options;
    const stream = `${name}-${this.#serial}`;
    const body = JSON.stringify(bodyOf(door.asks, stream, promptOf(stream, deltasPerSecond)));
    this.#live = true;
    this.#startSentAt = nowMicros();
    this.#meter.started();
    this.#socket.write(`${this.#head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  acknowledge(): void {}

  #read(shared: Buffer, length: number): void {
    this.#meter.received(length);
    const rest = this.#rest;
    this.#rest = null;
    const bytes = rest === null ? shared : Buffer.concat([rest, shared.subarray(0, length)]);
    const end = rest === null ? length : bytes.length;
    const cut = unfinishedStamp(bytes, end);
    if (cut < end) this.#rest = Buffer.from(bytes.subarray(cut, end));
    if (this.#tail === '' && bytes.toString('latin1', 9, 12) !== '200') this.#meter.fault('status not 200');
    this.#meter.chunk(bytes, 0, cut, nowMicros(), this.#startSentAt);
    const newest = shared.toString('latin1', Math.max(0, length - LAST_CHUNK.length), length);
    this.#tail = (this.#tail + newest).slice(-LAST_CHUNK.length);
    if (this.#tail === LAST_CHUNK) this.#ended();
  }

  #ended(): void {
    this.#tail = '';
    this.#live = false;
    this.#meter.ended('done');
    this.start();
  }

  #closed(): void {
    if (this.#live) this.#meter.ended('connection lost');
    this.#meter.connected -= 1;
    this.#meter.fault('connection lost');
  }
}

/** The same question in each door's own form. */
function bodyOf(asks: Door['asks'], stream: string, content: string): object {
  const messages = [{ role: 'user', content }];
  switch (asks) {
    case undefined:
      return { model: 'claude-sonnet-5-5', max_tokens: 4096, stream: true, messages };
    case 'start':
      return { action: ACTION, messages };
    case 'ui_messages':
      return { ...chatOf(stream, content), action: ACTION };
    case 'ag_ui':
      return {
        threadId: stream,
        runId: `${stream}-of-the-generator`,
        state: {},
        messages: [{ id: 'question', ...messages[0] }],
        tools: [],
        context: [],
        forwardedProps: { action: ACTION },
      };
  }
}

/** Where a stamp begins that the read cut off; `end` if none was. */
function unfinishedStamp(bytes: Buffer, end: number): number {
  // A first delta has two stamps, one behind the other.
  for (let at = Math.max(0, end - 2 * STAMP_BYTES); at < end; at += 1) {
    if (bytes[at] === AT && at + STAMP_BYTES >= end) return at;
  }
  return end;
}
