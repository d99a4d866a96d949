import { describe, expect, it, onTestFinished } from 'vitest';
import { watchServerSockets } from '../support/server-sockets.ts';
import { closeCodeOf, textFrame } from './masked-frame.ts';
import { openHandshake } from './raw-client.ts';
import { startServer } from './start-server.ts';

/** Sends a frame in pieces of `size` bytes, each of which the server has read before the next leaves. */
async function sendInSegments(text: string, size: number) {
  const { port, core } = await startServer();
  const watched = watchServerSockets(port);
  onTestFinished(() => watched[Symbol.dispose]());
  const client = await openHandshake(port);
  const connection = await core.connection();
  const bytes = textFrame(text);
  client.socket.setNoDelay(true);
  client.text = '';
  const before = watched.readBytes;
  for (let sent = 0; sent < bytes.length && connection.closes.length === 0 && client.text === ''; ) {
    const piece = bytes.subarray(sent, sent + size);
    client.send(piece);
    sent += piece.length;
    while (watched.readBytes < before + sent) await new Promise((resolve) => setImmediate(resolve));
  }
  return { client, connection };
}

describe('one frame in many TCP segments', () => {
  it.each([
    ['240 KB', 240_000, 200],
    ['as much as a frame may have', 262_144, 200],
    ['as much as a frame may have', 262_144, 65],
    ['a short question', 1000, 1],
  ])('%s (%d bytes, by %d) is read', async (_what, length, size) => {
    const text = 'x'.repeat(length);
    const { connection } = await sendInSegments(text, size);
    await connection.until(({ texts, closes }) => texts.length === 1 || closes.length === 1);
    expect(connection.closes).toEqual([]);
    expect(connection.texts).toEqual([text]);
  });

  it('is closed with 1008 where the pieces are so many that they cost more than the frame', async () => {
    const { client, connection } = await sendInSegments('x'.repeat(5000), 1);
    expect(closeCodeOf(await client.untilClosed())).toBe(1008);
    expect(await connection.closeCode()).toBe(1008);
    expect(connection.texts).toEqual([]);
  });
});
