/** React Native's WebSocket: takes headers as its third argument, so the token needs no place among the subprotocols. */
import type { WebSocketFactory, WebSocketLike } from '../client/platform.ts';

type NativeWebSocket = WebSocketLike & { onopen: (() => void) | null };
type NativeWebSocketClass = new (
  url: string,
  protocols: string,
  options: { readonly headers: Readonly<Record<string, string>> },
) => NativeWebSocket;

/** On Android `close` does nothing while the socket is connecting, which then opens and stays: it is closed again. */
export const bearerHeader: WebSocketFactory = (url, protocol, token) => {
  const { WebSocket } = globalThis as unknown as { WebSocket: NativeWebSocketClass };
  const socket = new WebSocket(url, protocol, { headers: { Authorization: `Bearer ${token}` } });
  const close = socket.close.bind(socket);
  socket.close = (...why) => {
    socket.onopen = () => close(...why);
    close(...why);
  };
  return socket;
};
