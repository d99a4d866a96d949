/**
 * Answers whose ending somebody holds for sure, by their epochs, as far as this process has seen it. Where that is forgotten, or
 * was seen by another process, an answer is told once more, which takes the place of the same message.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Epochs that are remembered: about 1 MB. */
const MAX_EPOCHS = 10_000;

export class ReadEndings {
  readonly #epochs = new Set<string>();
  /** Written on a connection that has carried no later request yet. */
  readonly #written = new WeakMap<Socket, string>();
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
  written({ socket, headers }: IncomingMessage, epoch: string): void {
    if (!this.#trustsProxy && OF_PROXIES.every((name) => headers[name] === undefined))
      this.#written.set(socket, epoch);
  }

  /** A connection carries another request: whoever sends it has read the response before, to its end. */
  asked({ socket }: IncomingMessage): void {
    const epoch = this.#written.get(socket);
    if (epoch === undefined) return;
    this.#written.delete(socket);
    this.add(epoch);
  }
}

/** Headers by which proxies show that they are there. */
const OF_PROXIES = ['x-forwarded-for', 'forwarded', 'via'] as const;
