/**
 * A client of the plan's function: its frames name no stream, so that a socket carries one at a time. The plan opens
 * a socket for each answer; this one keeps it, which spares the function the handshakes.
 */
import { nowMicros } from '../stamp.ts';
import { type LoadClient, promptOf } from './client.ts';
import type { Meter } from './meter.ts';
import type { LoadOptions } from './port.ts';
import { WebSocketClient } from './web-socket.ts';

/** `{"type":"done"}`; chunks and errors differ in this byte. */
const TYPE_AT = '{"type":"'.length;
const [CHUNK, DONE] = [0x63, 0x64];

export class PlanClient implements LoadClient {
  readonly ready: Promise<void>;
  readonly #opened = Promise.withResolvers<void>();
  readonly #meter: Meter;
  readonly #options: LoadOptions;
  readonly #socket: WebSocketClient;
  #serial = 0;
  #startSentAt = 0;
  #live = false;

  /** @param options its name: unique in the run */
  constructor(options: LoadOptions, meter: Meter) {
    this.#options = options;
    this.#meter = meter;
    this.ready = this.#opened.promise;
    const { path, headers } = options.door;
    this.#socket = new WebSocketClient(
      { ...options, path, headers },
      {
        onOpen: () => {
          meter.connected += 1;
          this.#opened.resolve();
        },
        onText: (bytes, from, end) => this.#read(bytes, from, end),
        onClose: (reason) => this.#closed(reason),
      },
    );
  }

  start(): void {
    this.#serial += 1;
    const { name, deltasPerSecond } = this.#options;
    const content = promptOf(`${name}-${this.#serial}`, deltasPerSecond);
    this.#live = true;
    this.#startSentAt = nowMicros();
    this.#meter.started();
    this.#socket.send(
      JSON.stringify({ action: 'general_assistance', messages: [{ role: 'user', content }], context: '' }),
    );
  }

  acknowledge(): void {}

  #read(bytes: Buffer, from: number, end: number): void {
    const kind = bytes[from + TYPE_AT];
    if (kind === CHUNK) {
      this.#meter.chunk(bytes, from, end, nowMicros(), this.#startSentAt);
    } else if (kind === DONE) {
      this.#live = false;
      this.#meter.ended('done');
      this.start();
    } else this.#meter.fault(bytes.toString('utf8', from, Math.min(end, from + 100)));
  }

  #closed(reason: string): void {
    if (this.#live) this.#meter.ended('connection lost');
    this.#meter.fault(`connection ${reason}`);
    this.#opened.reject(new Error(`a connection was refused: ${reason}`));
  }
}
