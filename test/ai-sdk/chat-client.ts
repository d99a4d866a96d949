/** A client of the AI SDK's WebSocket frames without its library: it sends what that never would, and keeps all that comes. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { UiMessageChunk } from '../../src/ai-sdk/chunks.ts';

export interface ChatResponse {
  readonly type: 'start' | 'chunk' | 'end' | 'error' | 'no-active';
  readonly requestId: string;
  readonly sequence?: number;
  readonly chunk?: UiMessageChunk;
  readonly errorText?: string;
}

export interface ChatClient {
  readonly frames: readonly ChatResponse[];
  readonly socket: WebSocket;
  /** Any frame, or any text. */
  send(frame: object | string): void;
  /** A question of a chat. */
  ask(requestId: string, chatId: string, body?: object): void;
  /** What came under that request. */
  of(requestId: string): ChatResponse[];
  /** Waits until something came that fits. */
  until(fits: (frames: readonly ChatResponse[]) => boolean): Promise<void>;
  /** Its `end`, `error` or `no-active`. */
  settled(requestId: string): Promise<ChatResponse>;
  closed: Promise<number>;
  [Symbol.dispose](): void;
}

export async function connectChatClient(url: string, token: string): Promise<ChatClient> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ai-sdk`, [
    'dash-relay.v1',
    `bearer.${token}`,
  ]);
  const frames: ChatResponse[] = [];
  const watchers = new Set<() => void>();
  socket.on('message', (data: Buffer) => {
    frames.push(JSON.parse(data.toString()) as ChatResponse);
    for (const watcher of watchers) watcher();
  });
  const closed = once(socket, 'close').then(([code]) => code as number);
  await once(socket, 'open');
  const send = (frame: object | string): void =>
    socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  const of = (requestId: string) => frames.filter((frame) => frame.requestId === requestId);
  const until = async (fits: (frames: readonly ChatResponse[]) => boolean): Promise<void> => {
    while (!fits(frames)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      watchers.add(resolve);
      const code = await Promise.race([promise, closed]);
      watchers.delete(resolve);
      if (code !== undefined && !fits(frames)) throw new Error(`closed with ${code}`);
    }
  };
  const last = (requestId: string) => of(requestId).find(({ type }) => ENDS.has(type));
  return {
    frames,
    socket,
    send,
    ask: (requestId, chatId, body = {}) => send(question(requestId, chatId, body)),
    of,
    until,
    async settled(requestId) {
      await until(() => last(requestId) !== undefined);
      return last(requestId) as ChatResponse;
    },
    closed,
    [Symbol.dispose]: () => socket.terminate(),
  };
}

const ENDS: ReadonlySet<string> = new Set(['end', 'error', 'no-active']);

export function question(requestId: string, chatId: string, body: object = {}, text = 'Why?') {
  return {
    type: 'send',
    requestId,
    id: chatId,
    trigger: 'submit-message',
    messages: [{ id: 'q', role: 'user', parts: [{ type: 'text', text }] }],
    headers: {},
    body: { action: 'chat', ...body },
  };
}

export function resume(requestId: string, chatId: string, lastSequence?: number) {
  return { type: 'resume', requestId, id: chatId, lastSequence, headers: {}, body: {} };
}

export function textIn(frames: readonly ChatResponse[]): string {
  return frames.map(({ chunk }) => (chunk?.type === 'text-delta' ? chunk.delta : '')).join('');
}
