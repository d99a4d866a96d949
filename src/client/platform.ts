/**
 * What the client takes from its platform, each part of which an option replaces: time, news of the network, WebSocket and
 * fetch; and what it does itself, as React Native lacks it.
 */

export interface ClientTimer {
  cancel(): void;
}

export interface ClientClock {
  /** Unix ms. */
  now(): number;
  /** Monotonic ms: every duration. */
  elapsed(): number;
  after(ms: number, callback: () => void): ClientTimer;
}

/** In how many parts a time passes that a device may sleep through. */
const PARTS = 16;

/** After so long of awake time: a sleep ends the part that is under way, and no more of it. */
export function afterAwake(clock: ClientClock, ms: number, callback: () => void): ClientTimer {
  const pass = (parts: number): ClientTimer =>
    clock.after(ms / PARTS, () => {
      if (parts > 1) timer = pass(parts - 1);
      else callback();
    });
  let timer = pass(PARTS);
  return { cancel: () => timer.cancel() };
}

export const deviceClock: ClientClock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, callback) {
    const timeout = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(timeout) };
  },
};

/**
 * What the platform knows about network and app. `wake`: a page or app is back in front. `sleep`: the page is put away
 * with all it holds and does not run until it is back.
 */
export type Signal = 'online' | 'offline' | 'wake' | 'sleep';

/** Calls back on each signal until the function it returned is called. */
export type SignalSource = (listener: (signal: Signal) => void) => () => void;

interface PageEvent {
  /** The page goes to, or comes from, the back/forward cache. */
  readonly persisted?: boolean;
}
interface Target {
  addEventListener?(
    type: string,
    listener: (event: PageEvent) => void,
    options: { readonly signal: AbortSignal },
  ): void;
}

/** The browser's own events; without a browser, nothing. */
export const browserSignals: SignalSource = (listener) => {
  const page = globalThis as Target & { document?: Target & { readonly visibilityState: string } };
  const { document } = page;
  const abort = new AbortController();
  const isInFront = (): boolean => document?.visibilityState !== 'hidden';
  const on = (
    target: Target | undefined,
    type: string,
    signal: Signal,
    counts: (event: PageEvent) => boolean = isInFront,
  ): void =>
    target?.addEventListener?.(
      type,
      (event) => {
        if (counts(event)) listener(signal);
      },
      abort,
    );
  const isCached = ({ persisted = true }: PageEvent): boolean => persisted;
  on(page, 'online', 'online');
  on(page, 'offline', 'offline');
  on(document, 'visibilitychange', 'wake');
  on(page, 'pagehide', 'sleep', isCached);
  on(page, 'pageshow', 'wake', isCached);
  on(document, 'freeze', 'sleep', isCached);
  on(document, 'resume', 'wake', isCached);
  return () => abort.abort();
};

/** `AppState` of react-native. */
export interface AppStateLike {
  addEventListener(type: 'change', listener: (state: string) => void): { remove(): void };
}

/** The part of a WebSocket that the client uses. `bufferedAmount` is not: React Native never sets it. */
export interface WebSocketLike {
  onmessage: ((event: { data?: unknown }) => void) | null;
  onclose: ((event: { code?: number }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** Opens a WebSocket that carries the token as its platform can. */
export type WebSocketFactory = (url: string, protocol: string, token: string) => WebSocketLike;

/** Browsers cannot set headers on a WebSocket: the token travels as a second subprotocol. */
export const bearerSubprotocol: WebSocketFactory = (url, protocol, token) =>
  new WebSocket(url, [protocol, `bearer.${token}`]) as WebSocketLike;

/** The part of `fetch` that is used: `body` may be absent, as in React Native. */
export type Fetch = (url: string, init: FetchRequest) => Promise<FetchResponse>;

export interface FetchRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Blob | ArrayBuffer;
  readonly signal?: AbortSignal;
  /** It leaves also where its page goes away; ignored where there are no pages. */
  readonly keepalive?: boolean;
}

export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body?: {
    getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> };
  } | null;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

/** 26 characters of 5 random bits. React Native has no `crypto`; an id opens nothing there without its user's token. */
export function mintStreamId(): string {
  const bytes = new Uint8Array(26).map(() => Math.random() * 256);
  const { crypto } = globalThis as { crypto?: Pick<Crypto, 'getRandomValues'> };
  crypto?.getRandomValues(bytes);
  return Array.from(bytes, (byte) => (byte & 31).toString(32)).join('');
}

/** Bytes of a text as UTF-8. A lone surrogate counts three, as its replacement would. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}

/** How long a text may take to leave by a slow uplink, 10 KB a second, ms. */
export function sendingMs(text = ''): number {
  return text.length / 10;
}
