/** An operator's endpoint for tools, as a test has it answer. It verifies signatures as the documents say, by code of its own. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const TOOLS_SECRET = 'k3J9-not-of-any-document-8Qm2zX7vT1';

export interface ReceivedCall {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly isSigned: boolean;
  readonly headers: IncomingMessage['headers'];
  /** The relay hung up before it was answered. */
  hungUp: boolean;
}

export type ToolHandler = (call: ReceivedCall, response: ServerResponse) => void;

export interface ToolServer {
  readonly url: string;
  readonly calls: readonly ReceivedCall[];
  /** Resolves with that call, from 0, once it has come. */
  call(index: number): Promise<ReceivedCall>;
  /** Resolves once all connections of calls are closed. */
  quiet(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** As docs/tools.md has it. */
export function isSigned(
  headers: IncomingMessage['headers'],
  body: string,
  secret: string,
  now: number,
): boolean {
  const timestamp = String(headers['x-dash-timestamp']);
  const given = Buffer.from(String(headers['x-dash-signature']));
  const wanted = Buffer.from(
    `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`,
  );
  const isRecent = Math.abs(now / 1000 - Number(timestamp)) < 300;
  return isRecent && given.length === wanted.length && timingSafeEqual(given, wanted);
}

export async function startToolServer(handler: ToolHandler): Promise<ToolServer> {
  const calls: ReceivedCall[] = [];
  const watchers = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const { headers, url: path = '' } = request;
    const call: ReceivedCall = {
      path,
      body: JSON.parse(text) as Record<string, unknown>,
      isSigned: isSigned(headers, text, TOOLS_SECRET, Date.now()),
      headers,
      hungUp: false,
    };
    response.on('close', () => {
      call.hungUp = !response.writableFinished;
      for (const watcher of watchers) watcher();
    });
    calls.push(call);
    for (const watcher of watchers) watcher();
    handler(call, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const until = (isSo: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const watcher = (): void => {
        if (!isSo()) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      watcher();
    });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async call(index) {
      await until(() => calls.length > index);
      return calls[index] as ReceivedCall;
    },
    quiet: () =>
      new Promise((resolve) => {
        const look = (): void => {
          server.getConnections((_error, count) => {
            if (count === 0) resolve();
            else setImmediate(look);
          });
        };
        look();
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answerJson(value: unknown): ToolHandler {
  return (_call, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(value));
  };
}
