import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { toWire } from '../../src/protocol/wire-text.ts';
import { BINARY, CLOSE, CONTINUATION, closeCodeOf, frame, textFrame } from './masked-frame.ts';
import { openHandshake } from './raw-client.ts';
import { type StartedServer, startServer } from './start-server.ts';

async function openWebSocket({ port, core }: StartedServer) {
  const client = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, 'dash-relay.v1', {
    headers: { authorization: 'Bearer alice' },
  });
  onTestFinished(() => client.terminate());
  const texts: string[] = [];
  client.on('message', (data) => texts.push(data.toString()));
  await once(client, 'open');
  return { client, texts, connection: await core.connection() };
}

describe('a frame socket', () => {
  it('sends texts of every length class as whole frames, in order', async () => {
    const { client, texts, connection } = await openWebSocket(await startServer());
    const sent = ['', 'a'.repeat(125), 'b'.repeat(126), 'é'.repeat(32_767), 'c'.repeat(65_536), '🙂 last'];
    connection.socket.write(sent.map(toWire));
    while (texts.length < sent.length) await once(client, 'message');
    expect(texts).toEqual(sent);
  });

  it('sends all frames of one call in one write', async () => {
    const started = await startServer();
    const client = await openHandshake(started.port);
    const connection = await started.core.connection();
    client.text = '';
    connection.socket.write([toWire('one'), toWire('two')]);
    await client.until('two');
    expect(client.text).toBe('\x81\x03one\x81\x03two');
  });

  it('keeps frames whole between pings and the close', async () => {
    const { client, texts, connection } = await openWebSocket(await startServer());
    const big = 'x'.repeat(300_000);
    connection.socket.write([toWire(big)]);
    connection.socket.ping();
    connection.socket.write([toWire('behind the ping')]);
    connection.socket.close(1001, 'goingAway');
    const [code, reason] = await once(client, 'close');
    expect(texts).toEqual([big, 'behind the ping']);
    expect([code, String(reason)]).toEqual([1001, 'goingAway']);
    expect(await connection.closeCode()).toBe(1001);
  });

  it('tells the core of texts and pongs', async () => {
    const { client, connection } = await openWebSocket(await startServer());
    client.send('hé🙂');
    connection.socket.ping();
    await connection.until(({ texts, pongs }) => texts.length === 1 && pongs === 1);
    expect(connection.texts).toEqual(['hé🙂']);
  });

  it.each([
    ['whole', frame({ opcode: BINARY })],
    ['in fragments', Buffer.concat([frame({ opcode: BINARY, fin: false }), frame({ opcode: CONTINUATION })])],
  ])('ignores an empty binary frame, %s', async (_how, empty) => {
    const { port, core } = await startServer();
    const client = await openHandshake(port);
    const connection = await core.connection();
    client.send(Buffer.concat([empty, textFrame('behind')]));
    await connection.until(({ texts }) => texts.length === 1);
    expect(connection.texts).toEqual(['behind']);
    expect(connection.closes).toEqual([]);
  });

  it('tells the core how the peer closed, once', async () => {
    const { client, connection } = await openWebSocket(await startServer());
    client.close(1000);
    await once(client, 'close');
    expect(await connection.closeCode()).toBe(1000);
    expect(connection.closes).toHaveLength(1);
  });

  it.each([
    ['no code', (client: WebSocket) => client.close(), 1005],
    ['a cut', (client: WebSocket) => client.terminate(), 1006],
  ])('tells the core of %s', async (_what, leave, code) => {
    const { client, connection } = await openWebSocket(await startServer());
    leave(client);
    expect(await connection.closeCode()).toBe(code);
  });

  it('sends nothing behind a close frame', async () => {
    const { port, core } = await startServer();
    const client = await openHandshake(port);
    const connection = await core.connection();
    client.text = '';
    connection.socket.close(4401, 'token expired');
    connection.socket.write([toWire('late')]);
    connection.socket.ping();
    client.send(frame({ opcode: CLOSE, payload: Buffer.from([0x11, 0x31]) }));
    expect(closeCodeOf(await client.untilClosed())).toBe(4401);
    expect(client.text).not.toContain('late');
  });

  it('handles nothing that arrives behind its own close', async () => {
    const { port, core } = await startServer();
    const client = await openHandshake(port);
    const connection = await core.connection();
    connection.onText = () => connection.socket.close(4400, 'five bad frames');
    client.send(Buffer.concat(Array.from({ length: 500 }, () => textFrame('bad'))));
    client.send(frame({ opcode: CLOSE, payload: Buffer.from([0x11, 0x30]) }));
    await client.untilClosed();
    expect(connection.texts).toEqual(['bad']);
  });

  it('owes a drain once 64 KiB wait, and pays it when the peer reads on', async () => {
    const { client, connection } = await openWebSocket(await startServer());
    client.pause();
    const block = toWire('x'.repeat(65_536));
    while (connection.socket.bufferedBytes === 0) connection.socket.write([block]);
    expect(connection.socket.bufferedBytes).toBeGreaterThanOrEqual(65_536);
    client.resume();
    await connection.until(({ drains }) => drains === 1);
    expect(connection.socket.bufferedBytes).toBe(0);
  });

  it('is cut a second after a close that its peer does not read', async () => {
    const started = await startServer();
    const { client, connection } = await openWebSocket(started);
    client.pause();
    const block = toWire('x'.repeat(65_536));
    while (connection.socket.bufferedBytes === 0) connection.socket.write([block]);
    connection.socket.close(4503, 'too slow');
    started.clock.advance(999);
    expect(connection.closes).toEqual([]);
    started.clock.advance(1);
    expect(await connection.closeCode()).toBe(4503);
    expect(started.clock.pending).toBe(0);
  });

  it('is cut a second after a close of a peer that half-closed and stopped reading', async () => {
    const started = await startServer();
    const client = await openHandshake(started.port);
    const connection = await started.core.connection();
    client.socket.pause();
    const block = toWire('x'.repeat(65_536));
    while (connection.socket.bufferedBytes === 0) connection.socket.write([block]);
    client.socket.end();
    await once(client.socket, 'finish');
    connection.socket.close(4408, 'no pong');
    started.clock.advance(1000);
    expect(await connection.closeCode()).toBe(4408);
  });

  it('is cut when the server closes', async () => {
    const started = await startServer();
    const { client, connection } = await openWebSocket(started);
    await started.server.close();
    await once(client, 'close');
    expect(connection.closes).toEqual([1006]);
    expect(started.server.connections).toBe(0);
  });
});
