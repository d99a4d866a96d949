import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { handshake } from './handshake.ts';
import { startServer } from './start-server.ts';

/** A client that has read its refusal, and does not hang up by itself. */
async function refusedPeer(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.resume().write(handshake({ headers: { authorization: 'Bearer mallory' } }));
  await once(socket, 'end');
  return socket;
}

it('gives each refused peer a second of its own to hang up, and destroys those that do not', async () => {
  const { port, clock, server } = await startServer();
  await refusedPeer(port);
  clock.advance(600);
  await refusedPeer(port);
  clock.advance(399);
  expect(server.plainConnections).toBe(2);
  clock.advance(1);
  await expect.poll(() => server.plainConnections).toBe(1);
  clock.advance(599);
  expect(server.plainConnections).toBe(1);
  clock.advance(1);
  await expect.poll(() => server.plainConnections).toBe(0);
  expect(clock.pending).toBe(0);
});

it('waits for nobody who has hung up', async () => {
  const { port, clock, server } = await startServer();
  const peer = await refusedPeer(port);
  expect(clock.pending).toBe(1);
  peer.end();
  await expect.poll(() => server.plainConnections).toBe(0);
  expect(clock.pending).toBe(0);
});
