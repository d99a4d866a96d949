/**
 * A TCP proxy that plays a bad network between clients and the relay: it cuts, resets, swallows, slows, slices and
 * delays, at once or when so many bytes have gone by. It knows nothing of what it carries.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * - `cut` ends both sides with a FIN
 * - `reset` ends both sides with a RST
 * - `blackhole` carries nothing any more; both sides believe they are connected
 * - `half-open` ends the client's side; the relay's goes on and leads nowhere
 */
export type Fault = 'cut' | 'reset' | 'blackhole' | 'half-open';

/** How a link carries, in both directions. */
export interface Shape {
  readonly bytesPerSecond?: number;
  /** Bytes a write, each in an event-loop turn of its own. */
  readonly sliceBytes?: number;
  readonly latencyMs?: number;
  /** How long the end of one side takes to the other. */
  readonly slowCloseMs?: number;
}

/** Writes of a slow link: smooth, not stuttering. */
const TICKS_PER_SECOND = 20;

export interface LinkPlan extends Shape {
  /** Happens when exactly so many bytes have gone to the client. */
  readonly fault?: { readonly afterBytes: number; readonly kind: Fault };
}

export interface FaultProxy {
  /** `http://host:port`: to be used in place of the relay's. */
  readonly url: string;
  /** Every connection so far, oldest first. */
  readonly links: readonly Link[];
  /** Faults of plans that have happened. */
  readonly faults: number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * @param target `http://host:port` of the relay
 * @param plan asked for each new connection, with its number from 0
 */
export async function startFaultProxy(
  target: string,
  plan: (index: number) => LinkPlan = () => ({}),
): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const links: Link[] = [];
  let faults = 0;
  // Half-open by request only: what one side ends is passed on to the other by the link.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const relay = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    const planned = () => {
      faults += 1;
    };
    links.push(new Link(client, relay, plan(links.length), planned));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    for (const link of links) link.reset();
    server.close();
    await once(server, 'close');
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    links,
    get faults() {
      return faults;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One connection through the proxy. */
export class Link {
  readonly #client: Socket;
  readonly #relay: Socket;
  readonly #onPlanned: () => void;
  #shape: Shape;
  /** Still to come. */
  #fault: LinkPlan['fault'];
  #bytesDown = 0;
  #dead = false;
  #restored: PromiseWithResolvers<void> | undefined;

  constructor(client: Socket, relay: Socket, plan: LinkPlan, onPlanned: () => void) {
    this.#client = client;
    this.#relay = relay;
    this.#fault = plan.fault;
    this.#shape = plan;
    this.#onPlanned = onPlanned;
    this.#carry(client, relay, false);
    this.#carry(relay, client, true);
  }

  /** Bytes that went to the client. */
  get bytesDown(): number {
    return this.#bytesDown;
  }

  get closed(): boolean {
    return this.#dead || this.#client.destroyed || this.#relay.destroyed;
  }

  inflict(fault: Fault): void {
    if (fault === 'cut') this.cut();
    else if (fault === 'reset') this.reset();
    else if (fault === 'blackhole') this.blackhole();
    else this.halfOpen();
  }

  cut(): void {
    this.#dead = true;
    for (const socket of [this.#client, this.#relay]) {
      socket.resume();
      socket.end(() => socket.destroy());
    }
  }

  reset(): void {
    this.#dead = true;
    this.#client.resetAndDestroy();
    this.#relay.resetAndDestroy();
  }

  blackhole(): void {
    this.#restored ??= Promise.withResolvers();
  }

  /** The end of a blackhole: what was under way arrives. */
  restore(): void {
    this.#restored?.resolve();
    this.#restored = undefined;
  }

  halfOpen(): void {
    this.#dead = true;
    this.#client.destroy();
    this.#relay.resume();
  }

  shape(shape: Shape): void {
    this.#shape = shape;
  }

  #carry(from: Socket, to: Socket, down: boolean): void {
    let passing = Promise.resolve();
    /** What one side ends is passed on behind all that it said, or later. */
    const passEnd = async (end: () => void): Promise<void> => {
      await passing;
      const { slowCloseMs = 0 } = this.#shape;
      if (slowCloseMs > 0) await wait(slowCloseMs);
      if (!this.#dead) end();
    };
    from.on('data', (bytes: Buffer) => {
      if (this.#dead) return; // half-open: read and forgotten
      from.pause();
      passing = this.#pass(bytes, to, down);
      void passing.then(() => from.resume());
    });
    from.on('end', () => void passEnd(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => void passEnd(() => to.destroySoon()));
  }

  async #pass(bytes: Buffer, to: Socket, down: boolean): Promise<void> {
    for (let from = 0; from < bytes.length && !this.#dead; ) {
      const piece = bytes.subarray(from, from + this.#pieceBytes(bytes.length - from, down));
      from += piece.length;
      await this.#delay(piece.length);
      if (this.#dead || to.destroyed) return;
      if (!to.write(piece)) await drained(to);
      if (this.#shape.sliceBytes !== undefined) await new Promise((resolve) => setImmediate(resolve));
      if (down) this.#count(piece.length);
    }
  }

  /** How much may go at once; a planned fault gets its exact byte. */
  #pieceBytes(rest: number, down: boolean): number {
    const { sliceBytes = rest, bytesPerSecond = rest * TICKS_PER_SECOND } = this.#shape;
    const untilFault = down && this.#fault !== undefined ? this.#fault.afterBytes - this.#bytesDown : rest;
    return Math.max(1, Math.min(rest, sliceBytes, Math.round(bytesPerSecond / TICKS_PER_SECOND), untilFault));
  }

  async #delay(bytes: number): Promise<void> {
    const { latencyMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = this.#shape;
    const ms = latencyMs + (bytes / bytesPerSecond) * 1000;
    if (ms > 0) await wait(ms);
    await this.#restored?.promise;
  }

  #count(bytes: number): void {
    this.#bytesDown += bytes;
    const fault = this.#fault;
    if (fault === undefined || this.#dead || this.#bytesDown < fault.afterBytes) return;
    this.#fault = undefined;
    this.#onPlanned();
    this.inflict(fault.kind);
  }
}

/** Also resolves where the socket goes away instead. */
async function drained(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('drain', resolve).once('close', resolve);
  await promise;
  socket.off('drain', resolve).off('close', resolve);
}
