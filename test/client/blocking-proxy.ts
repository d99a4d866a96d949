/** A proxy between client and relay that lets HTTP through and refuses what it is told to, as some networks do. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface BlockingProxy {
  readonly url: string;
  /** `websocket`: upgrades get an error page. `sse`: so do requests for an event stream. */
  readonly blocked: Set<'websocket' | 'sse'>;
  /** Cuts all upgraded connections. */
  cut(): void;
}

export async function startBlockingProxy(target: string): Promise<BlockingProxy> {
  const blocked: BlockingProxy['blocked'] = new Set();
  const tunnels = new Set<Socket>();
  const server = createServer((incoming, response) => {
    if (blocked.has('sse') && incoming.headers.accept === 'text/event-stream') {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Blocked</h1>');
    } else {
      forward(target, incoming, response);
    }
  });
  server.on('upgrade', (incoming, client: Socket, head) => {
    if (blocked.has('websocket')) {
      client.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      return;
    }
    tunnels.add(client);
    tunnel(target, incoming, client, head);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const each of tunnels) each.destroy();
  };
  onTestFinished(async () => {
    cut();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, blocked, cut };
}

function forward(target: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url } = incoming;
  const outgoing = request(`${target}${url}`, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  response.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

function tunnel(target: string, incoming: IncomingMessage, client: Socket, head: Buffer): void {
  const { headers, url } = incoming;
  const outgoing = request(`${target}${url}`, { headers });
  outgoing.on('upgrade', (answer, relay, first) => {
    const lines = answer.rawHeaders.map((each, at) => (at % 2 === 0 ? `${each}: ` : `${each}\r\n`));
    client.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
    client.write(first);
    relay.write(head);
    relay.pipe(client).pipe(relay);
    relay.on('error', () => client.destroy());
    client.on('error', () => relay.destroy());
    client.on('close', () => relay.destroy());
  });
  outgoing.on('response', (answer) => client.end(`HTTP/1.1 ${answer.statusCode} Refused\r\n\r\n`));
  outgoing.on('error', () => client.destroy());
  outgoing.end();
}
