/** A handshake that is answered when the client has given it up leaves no connection behind. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { eventually } from '../support/test-run.ts';
import type { Platform } from './native-bundle.ts';
import { startPhone } from './stand-in/phone.ts';

const CONNECT_MS = 8000;

it.each<Platform>(['android', 'ios'])('on %s', async (platform) => {
  const { url, server, upgrades } = await startServer();
  const phone = await startPhone({ platform });
  const client = phone.realm.app.createDashClient({ url, getToken: () => 'token' });
  client.stream({ action: 'chat', messages: [{ role: 'user', content: 'hi' }] }).final.catch(() => {});
  await eventually('the handshake', () => upgrades.length === 1);
  phone.clock.advance(CONNECT_MS);
  client.close();
  for (const upgrade of upgrades) server.handleUpgrade(...upgrade, (peer) => server.emit('connection', peer));
  await phone.native.carried();
  await eventually('no connection', () => server.clients.size === 0);
  expect(phone.native.connects).toHaveLength(1);
});

/** Answers no handshake by itself. */
async function startServer() {
  const upgrades: [IncomingMessage, Duplex, Buffer][] = [];
  const server = new WebSocketServer({ noServer: true, handleProtocols: ([first = '']) => first });
  const http = createServer((_request, response) => response.writeHead(404).end());
  http.on('upgrade', (...upgrade) => upgrades.push(upgrade));
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => {
    for (const peer of server.clients) peer.terminate();
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, server, upgrades };
}
