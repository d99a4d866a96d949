/** A client that starts streams one at a time, or cancels those of another connection of its user. Speaks dash-relay.v1. */

import { nowMicros } from '../stamp.ts';
import type { Door } from '../subjects/port.ts';
import { promptOf } from './client.ts';
import type { RelayFrame } from './relay-stream.ts';
import { WebSocketClient } from './web-socket.ts';

export class CancelClient {
  readonly #socket: WebSocketClient;
  readonly #frames = new Map<string, (frame: RelayFrame) => void>();
  readonly #hello = Promise.withResolvers<void>();
  #serial = 0;

  private constructor(port: number, { path }: Door, token: string) {
    const headers = { 'Sec-WebSocket-Protocol': 'dash-relay.v1', Authorization: `Bearer ${token}` };
    this.#socket = new WebSocketClient(
      { port, path, headers },
      {
        onText: (bytes, from, end) => this.#read(JSON.parse(bytes.toString('utf8', from, end)) as RelayFrame),
        onClose: (reason) => this.#hello.reject(new Error(`a connection was refused: ${reason}`)),
      },
    );
  }

  static async open(port: number, door: Door, token: string): Promise<CancelClient> {
    const client = new CancelClient(port, door, token);
    await client.#hello.promise;
    return client;
  }

  /** Resolves with the stream's id when so many of its deltas are here. */
  start(deltas: number): Promise<string> {
    this.#serial += 1;
    const id = `cancelled-${this.#serial}`;
    const messages = [{ role: 'user', content: promptOf(id, undefined) }];
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#frames.set(id, (frame) => {
      if (frame.type === 'error') reject(new Error(`no stream began: ${frame.code}`));
      if (frame.type !== 'chunk' || (frame.seq ?? 0) < deltas) return;
      this.#frames.delete(id);
      resolve(id);
    });
    this.#socket.send(JSON.stringify({ type: 'start', id, action: 'chat', messages }));
    return promise;
  }

  /** Microseconds from the frame to the ending; undefined where that says anything but `cancelled`. */
  cancel(id: string): Promise<number | undefined> {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const sentAt = nowMicros();
    this.#frames.set(id, ({ type }) => {
      this.#frames.delete(id);
      resolve(type === 'cancelled' ? nowMicros() - sentAt : undefined);
    });
    this.#socket.send(JSON.stringify({ type: 'cancel', id }));
    return promise;
  }

  close(): void {
    this.#socket.abandon();
  }

  #read(frame: RelayFrame): void {
    if (frame.type === 'hello') this.#hello.resolve();
    else this.#frames.get(frame.id ?? '')?.(frame);
  }
}
