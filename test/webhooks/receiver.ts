/** An endpoint for webhooks as it may be: it takes events, or fails in the ways of the field. Each request's signature is checked. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { textOf } from '../support/http-doors.ts';

export const SECRET = `whsec_${Buffer.alloc(32, 'a receiver of the tests').toString('base64')}`;

export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly streamId: string;
  readonly epoch: string;
  readonly body: string;
}

/** `slow`: byte by byte, each once the test says so, and never all; `cut`: closes in the middle of its answer. */
export type Manner = 'takes' | 'fails' | 'hangs' | 'redirects' | 'slow' | 'cut' | 'gone' | 'busy';

export async function startReceiver(secret = SECRET) {
  const received: ReceivedEvent[] = [];
  const attempts: string[] = [];
  const watchers = new Set<() => void>();
  const signer = new Webhook(secret);
  let manner: (event: ReceivedEvent) => Manner = () => 'takes';
  let forged = 0;
  let followed = 0;
  const server = createServer(async (request, response) => {
    if (request.url !== '/hooks') {
      followed += 1;
      response.end();
      return;
    }
    const body = await textOf(request);
    if (!isSigned(signer, request, body)) forged += 1;
    const event = eventOf(request, body);
    attempts.push(event.id);
    const how = manner(event);
    if (how === 'takes') received.push(event);
    answer(response, how);
    for (const look of watchers) look();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    received,
    /** Ids of all requests, in their order. */
    attempts,
    behave(next: Manner | ((event: ReceivedEvent) => Manner)): void {
      manner = typeof next === 'function' ? next : () => next;
    },
    /** Requests whose signature is not that of the secret. */
    get forged() {
      return forged;
    },
    /** Requests that went where a redirect leads. */
    get followed() {
      return followed;
    },
    until<T>(probe: () => T | undefined | false): Promise<T> {
      const { promise, resolve } = Promise.withResolvers<T>();
      const look = (): void => {
        const found = probe();
        if (found === undefined || found === false) return;
        watchers.delete(look);
        resolve(found);
      };
      watchers.add(look);
      look();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function isSigned(signer: Webhook, { headers }: IncomingMessage, body: string): boolean {
  const at = new Date(Number(headers['webhook-timestamp']) * 1000);
  const expected = signer.sign(String(headers['webhook-id']), at, body);
  return String(headers['webhook-signature']).split(' ').includes(expected);
}

function eventOf({ headers }: IncomingMessage, body: string): ReceivedEvent {
  const { type, data } = JSON.parse(body);
  return { id: String(headers['webhook-id']), type, streamId: data.id, epoch: data.epoch, body };
}

function answer(response: ServerResponse, how: Manner): void {
  if (how === 'takes') response.writeHead(204).end();
  else if (how === 'fails') response.writeHead(500).end('no');
  else if (how === 'gone') response.writeHead(410).end();
  else if (how === 'busy') response.writeHead(429, { 'retry-after': '120' }).end();
  else if (how === 'redirects') response.writeHead(307, { location: '/elsewhere' }).end();
  else if (how === 'slow') response.writeHead(200, { 'content-length': 100 }).write('.');
  else if (how === 'cut')
    response.writeHead(200, { 'content-length': 100 }).write('.', () => response.destroy());
}
