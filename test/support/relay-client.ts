/**
 * A client for tests that believes nothing: every frame is checked against PROTOCOL.md as it arrives, and the first
 * that breaks a rule ends the client and rejects whatever waits on it. It lives over any number of sockets.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type {
  EndingFrame,
  ErrorFrame,
  HelloFrame,
  ServerFrame,
  StartFrame,
} from '../../src/protocol/frames.ts';
import { debugFrame } from './debug-frames.ts';
import { HeldStream, type StreamFrame } from './held-stream.ts';
import { parseServerFrame } from './server-frame.ts';

const ACK_FRAMES = 32;
const ACK_MS = 500;
const RECONNECT_MS = 20;

export interface RelayClientOptions {
  /** `http://host:port` of the relay, or of a proxy in front of it. */
  readonly url: string;
  readonly token: string;
  /** A lost socket is replaced, and what has not ended is resumed. */
  readonly reconnects?: boolean;
  /** False: a client that never acknowledges. */
  readonly acks?: boolean;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export type StartFields = Partial<Omit<StartFrame, 'type'>>;

let minted = 0;

export class RelayClient {
  readonly streams = new Map<string, HeldStream>();
  /** Every frame but chunks and events, in order, over all sockets. */
  readonly answers: ServerFrame[] = [];
  /** Sockets that were opened. */
  connections = 0;
  /** Called behind each frame; for tests that act at a certain one. */
  onFrame: (frame: ServerFrame) => void = () => {};
  readonly #options: RelayClientOptions;
  readonly #watchers = new Set<() => void>();
  readonly #unacked = new Map<string, number>();
  #ackTimer: NodeJS.Timeout | undefined;
  #socket: WebSocket | undefined;
  #greeted = false;
  #closed: Closed | undefined;
  #failure: Error | undefined;
  #leaving = false;
  /** Frames were sent that have no readable id: errors without one may come. */
  #mayBeUnreadable = false;

  constructor(options: RelayClientOptions) {
    this.#options = options;
  }

  /** Whether frames can be sent: not between two sockets. */
  get isConnected(): boolean {
    return this.#greeted && this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Opens the first socket, or the next one, and waits for `hello`. */
  async connect(): Promise<HelloFrame> {
    const before = this.answers.length;
    this.#open();
    return await this.until(() => this.answers.slice(before).find((frame) => frame.type === 'hello'));
  }

  /** A new id each time unless one is given. */
  start(fields: StartFields = {}): HeldStream {
    minted += 1;
    const { id = `stream-${minted}-of-a-strict-client`, ...rest } = fields;
    const frame: StartFrame = {
      type: 'start',
      id,
      action: 'chat',
      messages: [{ role: 'user', content: 'Why is the sky blue?' }],
      ...rest,
    };
    const stream = this.streams.get(id) ?? new HeldStream(frame, id);
    this.streams.set(id, stream);
    this.send(frame);
    return stream;
  }

  /** From what is held, unless told otherwise. */
  resume({ id, epoch, seq }: HeldStream, after = seq): void {
    this.send({ type: 'resume', id, epoch, after });
  }

  cancel({ id }: HeldStream): void {
    this.send({ type: 'cancel', id });
  }

  /** Follows a stream that another client started. */
  adopt({ startFrame, id, epoch }: HeldStream): HeldStream {
    const stream = new HeldStream(startFrame, id);
    stream.epoch = epoch;
    this.streams.set(id, stream);
    return stream;
  }

  /** Any frame, or any text. */
  send(frame: string | object): void {
    if (typeof frame === 'string') {
      this.#mayBeUnreadable = true;
    } else {
      const { type, id, after } = frame as {
        readonly type?: string;
        readonly id?: unknown;
        readonly after?: number;
      };
      const stream = typeof id === 'string' ? this.streams.get(id) : undefined;
      if (type === 'start' || type === 'resume' || type === 'cancel') stream?.asked(type, after ?? 0);
      if (stream === undefined) this.#mayBeUnreadable = true;
    }
    debugFrame('sent', frame);
    this.#socket?.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The stream's ending, with all frames before it. Rejects where the run was refused. */
  async ended(stream: HeldStream): Promise<EndingFrame> {
    return await this.until(() => {
      if (stream.refusal !== undefined) throw new Error(`refused: ${JSON.stringify(stream.refusal)}`);
      return stream.ending;
    });
  }

  async accepted(stream: HeldStream): Promise<string> {
    return await this.until(() => stream.epoch);
  }

  /** The error that answers a frame, with the first that comes from now on. */
  async refused(of: ErrorFrame['of']): Promise<ErrorFrame> {
    const before = this.answers.length;
    return await this.until(
      () =>
        this.answers.slice(before).find((frame) => frame.type === 'error' && frame.of === of) as
          | ErrorFrame
          | undefined,
    );
  }

  /** The next answer of that type from now on. */
  async next<T extends ServerFrame['type']>(type: T): Promise<Extract<ServerFrame, { type: T }>> {
    const before = this.answers.length;
    return (await this.until(() =>
      this.answers.slice(before).find((frame) => frame.type === type),
    )) as Extract<ServerFrame, { type: T }>;
  }

  /** What `probe` gives once it gives anything, asked behind each frame. Rejects once no frame can come any more. */
  until<T>(probe: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = (): void => {
      try {
        const found = probe();
        if (found === undefined && this.#failure === undefined) return;
        this.#watchers.delete(look);
        if (found === undefined) reject(this.#failure);
        else resolve(found);
      } catch (error) {
        this.#watchers.delete(look);
        reject(error);
      }
    };
    this.#watchers.add(look);
    look();
    return promise;
  }

  /** How the present socket closed, once it has. */
  get closed(): Promise<Closed> {
    if (this.#closed !== undefined) return Promise.resolve(this.#closed);
    const { promise, resolve } = Promise.withResolvers<Closed>();
    const look = (): void => {
      if (this.#closed === undefined) return;
      this.#watchers.delete(look);
      resolve(this.#closed);
    };
    this.#watchers.add(look);
    return promise;
  }

  /** Stops reading from the socket, so that the kernel's buffers fill. */
  pause(): void {
    this.#socket?.pause();
  }

  unpause(): void {
    this.#socket?.resume();
  }

  /** Cuts the socket without a close frame. With `reconnects` a new one follows. */
  drop(): void {
    this.#socket?.terminate();
  }

  /** Leaves for good. */
  async close(code = 1000): Promise<void> {
    this.#leaving = true;
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const gone = once(socket, 'close');
    socket.resume();
    if (socket.readyState === WebSocket.OPEN) socket.close(code);
    else socket.terminate();
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): void {
    const { url, token } = this.#options;
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, 'dash-relay.v1', {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    this.#socket = socket;
    this.#greeted = false;
    this.#closed = undefined;
    this.connections += 1;
    for (const stream of this.streams.values()) stream.connectionLost();
    // What a refusal says shows in the message; what comes of it is decided at the close.
    let cause = 'lost';
    socket.on('error', (error) => {
      cause = error.message;
    });
    socket.on('message', (data) => this.#receive(String(data)));
    socket.on('close', (code, reason) => this.#lost({ code, reason: String(reason) }, cause));
  }

  #receive(json: string): void {
    debugFrame('received', json);
    if (this.#failure !== undefined) return;
    try {
      const frame = parseServerFrame(json);
      this.#take(frame);
      this.onFrame(frame);
    } catch (error) {
      this.#fail(error as Error);
    }
    this.#wake();
  }

  #take(frame: ServerFrame): void {
    if ((frame.type === 'hello') === this.#greeted)
      throw new Error(`hello is the first frame and comes once: ${JSON.stringify(frame)}`);
    if (frame.type !== 'chunk' && frame.type !== 'event') this.answers.push(frame);
    if (frame.type === 'hello') {
      this.#greeted = true;
      this.#recover();
      return;
    }
    if (frame.type === 'stream') return; // of any stream of the user's
    if (!('id' in frame) || frame.id === undefined) {
      if (frame.type === 'error' && !this.#mayBeUnreadable)
        throw new Error(`an error for nothing: ${JSON.stringify(frame)}`);
      return;
    }
    const stream = this.streams.get(frame.id);
    if (stream === undefined && this.#mayBeUnreadable) return;
    if (stream === undefined) throw new Error(`a stream of somebody else: ${JSON.stringify(frame)}`);
    if (
      frame.type === 'error' &&
      frame.code === 'resume_gap' &&
      stream.isFollowed &&
      !stream.isAsked('resume')
    )
      stream.cutOff();
    else if (stream.take(frame as StreamFrame) === 'gap') this.resume(stream);
    if (frame.type === 'chunk' || frame.type === 'event') this.#owesAck(stream);
  }

  /** After `hello`: `resume`, or `start` again where neither `accepted` nor `resumed` was seen. */
  #recover(): void {
    for (const stream of this.streams.values()) {
      if (stream.over) continue;
      if (stream.epoch === undefined) this.send(stream.startFrame);
      else this.resume(stream);
    }
  }

  #owesAck(stream: HeldStream): void {
    if (this.#options.acks === false) return;
    const owed = (this.#unacked.get(stream.id) ?? 0) + 1;
    this.#unacked.set(stream.id, owed);
    if (owed >= ACK_FRAMES) this.#ack(stream);
    this.#ackTimer ??= setTimeout(() => {
      this.#ackTimer = undefined;
      for (const id of this.#unacked.keys()) this.#ack(this.streams.get(id));
    }, ACK_MS).unref();
  }

  #ack(stream: HeldStream | undefined): void {
    if (stream === undefined) return;
    this.#unacked.delete(stream.id);
    if (this.#socket?.readyState === WebSocket.OPEN)
      this.send({ type: 'ack', id: stream.id, seq: stream.seq });
  }

  #lost(closed: Closed, cause: string): void {
    this.#closed = closed;
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#unacked.clear();
    if (this.#failure === undefined && this.#options.reconnects === true && !this.#leaving) {
      setTimeout(() => {
        if (!this.#leaving) this.#open();
      }, RECONNECT_MS);
    } else {
      this.#failure ??= new Error(`closed with ${closed.code} ${closed.reason} (${cause})`);
    }
    this.#wake();
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#socket?.terminate();
  }

  #wake(): void {
    for (const look of [...this.#watchers]) look();
  }
}

export async function connectClient(options: RelayClientOptions): Promise<RelayClient> {
  const client = new RelayClient(options);
  await client.connect();
  return client;
}
