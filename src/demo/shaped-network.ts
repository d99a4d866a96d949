/**
 * The page's network, which can be made bad on purpose: what the SDK is given for its WebSocket, its fetch and its
 * signals. It cuts, slows and plays the operator's switch of transports; the relay and the SDK know nothing of it.
 */

import type { Fetch, Signal, SignalSource, Transport, WebSocketFactory } from '../client/index.ts';
import type { ClientClock, ClientTimer, FetchRequest, FetchResponse } from '../client/platform.ts';
import { createLink, type Link } from './shaped-link.ts';

export interface ShapedNetwork {
  readonly webSocket: WebSocketFactory;
  readonly fetch: Fetch;
  readonly signals: SignalSource;
  /** Whatever is open ends without a word, and nothing gets through for so long. */
  cut(ms: number): void;
  /** Ends what is open, once: it comes back at once. */
  drop(): void;
  /** Late and thin from now on, in one direction: towards us. */
  slow(on: boolean): void;
  /** What `GET /v1/config` says from now on: the rollout switch of an operator. */
  prescribe(transport: Transport): void;
  /** As if the device had been asleep: the SDK checks its connection and its token. */
  wake(): void;
}

/** What the browser has. */
export interface Platform {
  readonly webSocket: WebSocketFactory;
  readonly fetch: Fetch;
  readonly signals: SignalSource;
  readonly clock: ClientClock;
}

const SLOW = { latencyMs: 700, bytesPerSecond: 1_500 };
const LOST = 1006;

/** `onUse`: something of a stream came by that transport. Called often. */
export function createShapedNetwork(
  platform: Platform,
  onUse: (transport: Transport) => void,
): ShapedNetwork {
  const { clock } = platform;
  const open = new Set<() => void>();
  const listeners = new Set<(signal: Signal) => void>();
  let prescribed: Transport = 'websocket';
  let isSlow = false;
  let isDown = false;
  let restoring: ClientTimer | undefined;

  const link = (): Link => createLink(clock, () => (isSlow ? SLOW : undefined));
  const drop = (): void => {
    for (const end of [...open]) end();
  };
  const signal = (what: Signal): void => {
    for (const listener of listeners) listener(what);
  };

  const noteUse = (url: string, { method, headers }: FetchRequest): void => {
    if (method === 'DELETE' || !/\/v1\/(chat|streams)\b/.test(url)) return;
    onUse(headers?.['accept'] === 'text/event-stream' ? 'sse' : 'json');
  };

  const webSocket: WebSocketFactory = (url, protocol, token) => {
    const inner = isDown ? undefined : platform.webSocket(url, protocol, token);
    const arriving = link();
    const outer: ReturnType<WebSocketFactory> = {
      onmessage: null,
      onclose: null,
      onerror: null,
      send: (text) => inner?.send(text),
      close: (code, reason) => {
        open.delete(lose);
        arriving.close();
        inner?.close(code, reason);
      },
    };
    const lose = (): void => {
      outer.close();
      if (inner !== undefined) inner.onmessage = inner.onclose = null;
      outer.onclose?.({ code: LOST });
    };
    if (inner === undefined) {
      clock.after(0, lose);
      return outer;
    }
    open.add(lose);
    inner.onmessage = (event) => {
      onUse('websocket');
      arriving.pass(String(event.data).length, () => outer.onmessage?.(event));
    };
    inner.onclose = (event) => {
      open.delete(lose);
      arriving.pass(0, () => outer.onclose?.(event));
    };
    return outer;
  };

  const fetch: Fetch = async (url, init) => {
    if (url.endsWith('/v1/config')) return answer({ transport: prescribed, pollAfterMs: 0 });
    if (isDown) throw new TypeError('the network is cut');
    const abort = new AbortController();
    const end = (): void => abort.abort();
    const arriving = link();
    open.add(end);
    const over = (): void => void open.delete(end);
    abort.signal.addEventListener('abort', over);
    init.signal?.addEventListener('abort', end);
    try {
      const response = await platform.fetch(url, { ...init, signal: abort.signal });
      await arriving.wait(0);
      if (response.ok) noteUse(url, init);
      return throughLink(response, arriving, over);
    } catch (error) {
      over();
      throw error;
    }
  };

  return {
    webSocket,
    fetch,
    signals(listener) {
      const unsubscribe = platform.signals(listener);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        unsubscribe();
      };
    },
    drop,
    cut(ms) {
      isDown = true;
      drop();
      restoring?.cancel();
      restoring = clock.after(ms, () => {
        isDown = false;
        signal('online');
      });
    },
    slow(on) {
      isSlow = on;
    },
    prescribe(transport) {
      prescribed = transport;
      drop();
    },
    wake: () => signal('wake'),
  };
}

function answer(body: unknown): FetchResponse {
  const text = async (): Promise<string> => JSON.stringify(body);
  return { ok: true, status: 200, headers: { get: () => null }, text, json: async () => body };
}

/** `over` is called once nothing more will be read. */
function throughLink(response: FetchResponse, link: Link, over: () => void): FetchResponse {
  const { ok, status, headers, body } = response;
  const whole = async (): Promise<string> => {
    try {
      const text = await response.text();
      await link.wait(text.length);
      return text;
    } finally {
      over();
    }
  };
  const getReader = () => {
    const reader = body?.getReader();
    const read = async () => {
      const piece = (await reader?.read()) ?? { done: true };
      if (piece.done) over();
      await link.wait(piece.value?.length ?? 0);
      return piece;
    };
    return { read };
  };
  return {
    ok,
    status,
    headers,
    body: body ? { getReader } : null,
    text: whole,
    json: async () => JSON.parse(await whole()),
  };
}
