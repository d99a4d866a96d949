/**
 * Upgrades that are not taken: such a request is answered as if it had asked for none (RFC 9110, 7.8). Which ones are
 * taken is not decided here.
 *
 * It is the last request of its connection: node:http loses what it read together with its end, and would take what
 * follows, the middle of another request, for the beginning of one.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';

export class IgnoredUpgrades {
  readonly #isTaken: (request: IncomingMessage) => boolean;
  readonly #ignored = new WeakMap<Socket, IncomingMessage>();

  constructor(isTaken: (request: IncomingMessage) => boolean) {
    this.#isTaken = isTaken;
  }

  /** Asked by node:http about each request that wants an upgrade, before it is served. */
  readonly shouldUpgradeCallback = (request: IncomingMessage): boolean => {
    if (this.#ignored.has(request.socket)) return false;
    const taken = this.#isTaken(request);
    if (!taken) this.#ignored.set(request.socket, request);
    return taken;
  };

  /** `serve`, but for what follows an ignored upgrade: that ends the connection. */
  listener(serve: RequestListener): RequestListener {
    return (request, response) => {
      const ignored = this.#ignored.get(request.socket);
      if (ignored !== undefined && ignored !== request) {
        request.socket.destroy();
        return;
      }
      if (ignored !== undefined) response.shouldKeepAlive = false;
      serve(request, response);
    };
  }
}
