/** An app's old function on loopback: what it was asked, and answers under the test's hand. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AskedOfOld {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly response: ServerResponse;
}

export async function startOldFunctions(answer?: (asked: AskedOfOld) => void) {
  const asked: AskedOfOld[] = [];
  const arrivals = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { url = '', headers } = request;
    const one = { url, headers, body: Buffer.concat(parts).toString(), response };
    asked.push(one);
    answer?.(one);
    for (const arrive of arrivals) arrive();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    url: `http://127.0.0.1:${port}/functions/v1`,
    /** The first that came, once it has. */
    async first(): Promise<AskedOfOld> {
      for (;;) {
        const [one] = asked;
        if (one !== undefined) return one;
        await new Promise<void>((resolve) => arrivals.add(resolve));
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
