/**
 * The native half of a phone, below the JavaScript of React Native: modules by name, as its registry asks for them,
 * which tell what happens by device events. Real sockets and requests; text only.
 *
 * While the app is suspended no event is delivered. Sockets are then either killed, of which nobody is ever told, or
 * frozen: nothing is read or answered until the app is back. Awake, only its timers stand still: so it is on Android
 * until the system needs the memory.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Platform } from '../native-bundle.ts';
import { NativeBlobs } from './native-blobs.ts';

export type Emit = (event: string, ...payload: readonly unknown[]) => void;
export type Suspension = 'killed' | 'frozen' | 'awake';
type Headers = Readonly<Record<string, string>>;

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly data: { readonly string?: string };
  readonly responseType: string;
}

/** Every module counts its listeners, which is nobody's concern here. */
const LISTENED = { addListener() {}, removeListeners() {} };

export class NativeModules {
  /** Of every socket opened: what was asked for. */
  readonly connects: { readonly url: string; readonly protocols: unknown; readonly headers: Headers }[] = [];
  /** `GET /v1/session` of every request. */
  readonly requests: string[] = [];
  readonly #blobs = new NativeBlobs();
  readonly #emit: Emit;
  readonly #platform: Platform;
  readonly #sockets = new Map<number, WebSocket>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #requests = new Map<number, AbortController>();
  #undelivered: (() => void)[] | undefined;
  #requestIds = 0;

  constructor(emit: Emit, platform: Platform) {
    this.#emit = emit;
    this.#platform = platform;
  }

  /** What the registry of React Native calls; null for what an app can do without. */
  readonly get = (name: string): object | null => {
    const modules: Readonly<Record<string, object>> = {
      WebSocketModule: this.#webSocketModule,
      Networking: this.#networking,
      AppState: this.#appState,
      BlobModule: this.#blobs.blobModule,
      FileReaderModule: this.#blobs.fileReaderModule,
      PlatformConstants: { getConstants: () => ({}) },
    };
    return modules[name] ?? null;
  };

  tell: Emit = (event, ...payload) => {
    const deliver = (): void => this.#emit(event, ...payload);
    if (this.#undelivered) this.#undelivered.push(deliver);
    else deliver();
  };

  /** Whether events reach the app. */
  get heard(): boolean {
    return this.#undelivered === undefined;
  }

  suspend(how: Suspension): void {
    if (how === 'awake') return;
    this.#undelivered = [];
    for (const [id, socket] of this.#sockets) {
      if (how === 'frozen') socket.pause();
      else this.#kill(id, socket);
    }
    if (how === 'killed') this.#killRequests();
  }

  /** The network breaks every socket, and the app is told. */
  cut(): void {
    for (const [id, socket] of this.#sockets) {
      this.#kill(id, socket);
      this.tell('websocketFailed', { id, message: 'Software caused connection abort' });
    }
  }

  /** The events that waited come first. */
  resume(): void {
    const waited = this.#undelivered ?? [];
    this.#undelivered = undefined;
    for (const deliver of waited) deliver();
    for (const socket of this.#sockets.values()) socket.resume();
  }

  /** What is under way is through: handshakes, requests but for answers, and what was sent before now on open sockets. */
  async carried(): Promise<void> {
    await Promise.all(this.#underWay);
    const open = [...this.#sockets.values()].filter((socket) => socket.readyState === socket.OPEN);
    await Promise.all(open.map(roundTrip));
  }

  close(): void {
    for (const [id, socket] of this.#sockets) this.#kill(id, socket);
    this.#killRequests();
  }

  #killRequests(): void {
    const open = [...this.#requests.values()];
    this.#requests.clear();
    for (const abort of open) abort.abort();
  }

  #await(work: Promise<unknown>): void {
    const through = work.catch(() => {}).finally(() => this.#underWay.delete(through));
    this.#underWay.add(through);
  }

  #kill(id: number, socket: WebSocket): void {
    this.#sockets.delete(id);
    socket.removeAllListeners().on('error', () => {});
    socket.terminate();
  }

  readonly #webSocketModule = {
    ...LISTENED,
    connect: (url: string, protocols: string[] | null, { headers }: { headers: Headers }, id: number) => {
      this.connects.push({ url, protocols, headers });
      const origin = url.replace(/^ws/, 'http').replace(/(?<=\/\/[^/]*)\/.*/, '');
      const socket = new WebSocket(url, protocols ?? [], { headers: { origin, ...headers } });
      this.#sockets.set(id, socket);
      this.#await(once(socket, 'upgrade'));
      const ended = (event: string, payload: object): void => {
        if (this.#sockets.delete(id)) this.tell(event, { id, ...payload });
      };
      socket
        .on('open', () => this.tell('websocketOpen', { id, protocol: socket.protocol }))
        .on('message', (data) => this.tell('websocketMessage', { id, type: 'text', data: String(data) }))
        .on('error', ({ message }) => ended('websocketFailed', { message }))
        .on('close', (code, reason) => ended('websocketClosed', { code, reason: String(reason) }));
    },
    send: (text: string, id: number) => this.#sockets.get(id)?.send(text),
    ping: (id: number) => this.#sockets.get(id)?.ping(),
    close: (code: number, reason: string, id: number) => {
      const socket = this.#sockets.get(id);
      // Android knows a socket only once it is open.
      if (this.#platform === 'ios' || socket?.readyState === WebSocket.OPEN) socket?.close(code, reason);
    },
  };

  /** The two platforms are asked in two ways. */
  get #networking() {
    const abortRequest = (id: number): void => this.#requests.get(id)?.abort();
    const android = (
      method: string,
      url: string,
      id: number,
      headers: readonly [string, string][],
      data: Request['data'],
      responseType: string,
    ): void => this.#request(id, { method, url, headers: Object.fromEntries(headers), data, responseType });
    const ios = (request: Request, callback: (id: number) => void): void => {
      this.#requestIds += 1;
      callback(this.#requestIds);
      this.#request(this.#requestIds, request);
    };
    return { ...LISTENED, abortRequest, sendRequest: this.#platform === 'ios' ? ios : android };
  }

  #request(id: number, request: Request): void {
    const answered = this.#answer(id, request);
    if (request.method !== 'POST') this.#await(answered);
  }

  async #answer(id: number, { method, url, headers, data, responseType }: Request): Promise<void> {
    const abort = new AbortController();
    this.requests.push(`${method} ${new URL(url).pathname}`);
    this.#requests.set(id, abort);
    try {
      const response = await fetch(url, { method, headers, body: data.string ?? null, signal: abort.signal });
      const text = await response.text();
      const type = response.headers.get('content-type') ?? '';
      const body = responseType === 'blob' ? this.#blobs.store(text, type) : text;
      this.tell('didReceiveNetworkResponse', [
        id,
        response.status,
        Object.fromEntries(response.headers),
        url,
      ]);
      this.tell('didReceiveNetworkData', [id, body]);
      this.tell('didCompleteNetworkResponse', [id, null, false]);
    } catch {
      if (this.#requests.has(id))
        this.tell('didCompleteNetworkResponse', [id, 'Network request failed', false]);
    } finally {
      this.#requests.delete(id);
    }
  }

  readonly #appState = {
    ...LISTENED,
    getConstants: () => ({ initialAppState: 'active' }),
    getCurrentAppState: (success: (state: object) => void) => success({ app_state: 'active' }),
  };
}

/** Frames travel in order: an answered ping says that those before it have arrived. */
async function roundTrip(socket: WebSocket): Promise<void> {
  const abort = new AbortController();
  socket.ping();
  await Promise.race([once(socket, 'pong', abort), once(socket, 'close', abort)]).catch(() => {});
  abort.abort();
}
