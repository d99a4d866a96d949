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

/** How long a text may take to leave by a slow uplink, 10 KB a second, ms. */
export function sendingMs(text = ''): number {
  return text.length / 10;
}
