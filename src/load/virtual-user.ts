/**
 * One user's app under load: an SDK client as apps have it, whose sockets and responses are counted, checked, and cut where
 * a lost network is played. The SDK decides when to connect, resume and give up; nothing here does.
 */
import { WebSocket } from 'ws';
import { createDashClient, type DashClient } from '../client/create-dash-client.ts';
import type { Transport } from '../client/dash-stream.ts';
import type { FetchRequest, FetchResponse, WebSocketLike } from '../client/platform.ts';
import type { TokenGetter } from '../client/tokens.ts';
import type { ServerFrame } from '../protocol/frames.ts';
import { FrameChecker } from './frame-checker.ts';
import type { Meter } from './meter.ts';

const REFUSED = /^Unexpected server response: (\d{3})$/;
const EVENTS = 'text/event-stream';

export interface VirtualUserParts {
  /** `http:` or `https:`. */
  readonly url: string;
  readonly transport: Transport;
  readonly getToken: TokenGetter;
  readonly meter: Meter;
}

export class VirtualUser {
  readonly client: DashClient;
  readonly #meter: Meter;
  readonly #checker: FrameChecker;
  readonly #sockets = new Set<WebSocket>();
  /** Event streams that are being read. */
  readonly #responses = new Set<AbortController>();
  /** Sockets that this load has closed: how they end says nothing of the relay. */
  readonly #closedHere = new WeakSet<WebSocket>();
  #wasConnected = false;
  #isClosing = false;

  constructor({ url, transport, getToken, meter }: VirtualUserParts) {
    this.#meter = meter;
    this.#checker = new FrameChecker(meter);
    this.client = createDashClient({
      url,
      getToken,
      transports: [transport],
      platform: 'load',
      webSocket: (...to) => this.#open(...to),
      fetch: (...request) => this.#fetch(...request),
    });
  }

  /** The network is gone for an instant, and neither side is told. */
  cut(): void {
    for (const socket of this.#sockets) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      this.#meter.cuts += 1;
      this.#terminate(socket);
    }
    for (const response of this.#responses) {
      this.#meter.cuts += 1;
      response.abort();
    }
  }

  /** Lets go of everything. */
  close(): void {
    this.#isClosing = true;
    this.client.close();
    for (const socket of this.#sockets) this.#terminate(socket);
  }

  #terminate(socket: WebSocket): void {
    this.#closedHere.add(socket);
    socket.terminate();
  }

  #open(url: string, protocol: string, token: string): WebSocketLike {
    const begun = performance.now();
    const socket = new WebSocket(url, protocol, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    const like: WebSocketLike = {
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (text) => socket.send(text, () => undefined), // what fails to leave is a close that follows
      close: (code, reason) => {
        this.#closedHere.add(socket);
        socket.close(code, reason);
      },
    };
    let isOpen = false;
    let refused: string | undefined;
    this.#sockets.add(socket);
    socket.on('open', () => {
      isOpen = true;
      this.#meter.connected(performance.now() - begun, this.#wasConnected);
      this.#wasConnected = true;
    });
    socket.on('message', (data: Buffer) => {
      this.#meter.bytes(data.length);
      const text = data.toString();
      this.#checker.received(JSON.parse(text) as ServerFrame);
      like.onmessage?.({ data: text });
    });
    socket.on('error', ({ message }) => {
      refused = REFUSED.exec(message)?.[1];
    });
    socket.on('close', (code) => {
      this.#sockets.delete(socket);
      if (isOpen) this.#lost(socket, code);
      else if (!this.#isClosing) this.#meter.refused(refused ?? 'none');
      like.onclose?.({ code });
    });
    return like;
  }

  #lost(socket: WebSocket, code: number): void {
    this.#meter.disconnected();
    this.#checker.lost();
    if (!this.#closedHere.has(socket)) this.#meter.closed(code);
  }

  async #fetch(url: string, init: FetchRequest): Promise<FetchResponse> {
    const cut = new AbortController();
    const { signal = cut.signal } = init;
    const response = await fetch(url, { ...init, signal: AbortSignal.any([signal, cut.signal]) });
    const isEvents = response.headers.get('content-type')?.includes(EVENTS) ?? false;
    return {
      ok: response.ok,
      status: response.status,
      headers: response.headers,
      body: isEvents && response.body !== null ? this.#counted(response.body, cut) : response.body,
      text: () => response.text(),
      json: async () => {
        const text = await response.text();
        this.#meter.bytes(Buffer.byteLength(text));
        return JSON.parse(text);
      },
    };
  }

  /** The body, whose events are counted and checked as the SDK reads them. */
  #counted(body: ReadableStream<Uint8Array>, cut: AbortController): NonNullable<FetchResponse['body']> {
    const reader = body.getReader();
    const events = new EventLines();
    const ids = new Set<string>();
    const ended = (): void => {
      if (this.#responses.delete(cut)) this.#checker.lost(ids);
    };
    this.#responses.add(cut);
    const read = async () => {
      try {
        const { done, value } = await reader.read();
        if (done) ended();
        else this.#meter.bytes(value.length);
        for (const frame of events.read(value)) {
          if ('id' in frame && frame.id !== undefined) ids.add(frame.id);
          this.#checker.received(frame);
        }
        return { done, value };
      } catch (error) {
        ended();
        throw error;
      }
    };
    return { getReader: () => ({ read }) };
  }
}

/** The frames in the `data:` lines of an event stream. */
class EventLines {
  readonly #decoder = new TextDecoder();
  #rest = '';

  read(bytes: Uint8Array | undefined): ServerFrame[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines
      .filter((line) => line.startsWith('data:'))
      .map((line) => JSON.parse(line.slice('data:'.length)) as ServerFrame);
  }
}
