import type { Connect, ConnectionInfo, FrameSocket, ServedConnection } from '../../src/connection/port.ts';

/** One connection as the core would see it: keeps what the adapter told, and its socket to write to. */
export class FakeConnection implements ServedConnection {
  readonly texts: string[] = [];
  readonly socket: FrameSocket;
  readonly info: ConnectionInfo;
  pongs = 0;
  drains = 0;
  closes: number[] = [];
  readonly #waiting = new Set<() => void>();
  /** Called for each text frame. */
  onText: ((text: string) => void) | undefined;

  constructor(socket: FrameSocket, info: ConnectionInfo) {
    this.socket = socket;
    this.info = info;
  }

  received(text: string): void {
    this.texts.push(text);
    this.onText?.(text);
    this.#wake();
  }

  take(): void {
    throw new Error('no route of these tests reads frames by itself');
  }

  countFrame(): void {}

  pong(): void {
    this.pongs += 1;
    this.#wake();
  }

  drained(): void {
    this.drains += 1;
    this.#wake();
  }

  closed(code: number): void {
    this.closes.push(code);
    this.#wake();
  }

  /** Resolves when the condition holds; it is asked after each event. */
  async until(condition: (connection: this) => boolean): Promise<void> {
    while (!condition(this)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  /** The code `closed` was called with. */
  async closeCode(): Promise<number> {
    await this.until(({ closes }) => closes.length > 0);
    return this.closes[0] ?? 0;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

/** A `Connect` that only remembers. */
export class FakeCore {
  readonly connections: FakeConnection[] = [];
  readonly #arrivals = new Set<() => void>();
  /** Runs in place of serving, when set. */
  onConnect: ((connection: FakeConnection) => void) | undefined;

  readonly connect: Connect = (socket, info) => {
    const connection = new FakeConnection(socket, info);
    this.connections.push(connection);
    this.onConnect?.(connection);
    for (const arrive of this.#arrivals) arrive();
    return connection;
  };

  /** The n-th connection ever opened, from 0. */
  async connection(index = 0): Promise<FakeConnection> {
    for (;;) {
      const connection = this.connections[index];
      if (connection !== undefined) return connection;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#arrivals.add(resolve);
      await promise;
      this.#arrivals.delete(resolve);
    }
  }
}
