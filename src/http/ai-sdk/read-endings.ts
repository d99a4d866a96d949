/**
 * Answers whose ending somebody holds for sure, by their epochs, as far as this process has seen it. Where that is forgotten, or
 * was seen by another process, an answer is told once more, which takes the place of the same message.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Epochs that are remembered: about 1 MB. */
const MAX_EPOCHS = 10_000;

interface WrittenAnswer {
  readonly userId: string;
  readonly epoch: string;
}

export class ReadEndings {
  readonly #epochs = new Set<string>();
  /** Written on a connection that has carried no later request yet; null: on one that carries requests of several users. */
  readonly #written = new WeakMap<Socket, WrittenAnswer | null>();
  readonly #trustsProxy: boolean;

  /** @param trustsProxy whether requests come by a proxy of the operator's */
  constructor(trustsProxy: boolean) {
    this.#trustsProxy = trustsProxy;
  }

  has(epoch: string): boolean {
    return this.#epochs.has(epoch);
  }

  add(epoch: string): void {
    this.#epochs.delete(epoch);
    this.#epochs.add(epoch);
    const [oldest] = this.#epochs;
    if (this.#epochs.size > MAX_EPOCHS && oldest !== undefined) this.#epochs.delete(oldest);
  }

  /**
   * The last byte of that answer was written as the response to that request: it may be on its way still. Of a proxy's connection
   * nothing follows: it carries requests of many.
   */
  written({ socket, headers }: IncomingMessage, userId: string, epoch: string): void {
    if (this.#trustsProxy || this.#written.get(socket) === null) return;
    if (OF_PROXIES.every((name) => headers[name] === undefined)) this.#written.set(socket, { userId, epoch });
  }

  /**
   * A connection carries another request: whoever sends it has read the response before, to its end. Where that was another
   * user's, something on the way sends both, which need not say so: it has read it, and its reader may not have.
   */
  asked({ socket }: IncomingMessage, userId: string): void {
    const written = this.#written.get(socket);
    if (written === undefined || written === null) return;
    if (written.userId !== userId) return void this.#written.set(socket, null);
    this.#written.delete(socket);
    this.add(written.epoch);
  }
}

/** Headers by which proxies show that they are there. */
const OF_PROXIES = ['x-forwarded-for', 'forwarded', 'via'] as const;
