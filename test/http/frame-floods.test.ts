import { describe, expect, it } from 'vitest';
import { BINARY, frame, PING, PONG, textFrame } from './masked-frame.ts';
import { openHandshake } from './raw-client.ts';
import { startServer } from './start-server.ts';

const many = (opcode: number, count: number) =>
  Buffer.concat(Array.from({ length: count }, () => frame({ opcode })));

describe('a flood of control frames', () => {
  it.each([
    ['pings', PING],
    ['pongs', PONG],
    ['empty binary frames', BINARY],
  ])('of %s is cut, and nothing behind it is handled', async (_what, opcode) => {
    const { port, core } = await startServer();
    const client = await openHandshake(port);
    const connection = await core.connection();
    client.send(Buffer.concat([many(opcode, 51), textFrame('behind')]));
    await client.untilClosed();
    expect(await connection.closeCode()).toBe(1006);
    expect(connection.texts).toEqual([]);
  });

  it('is not what 50 a second are', async () => {
    const { port, core, clock } = await startServer();
    const client = await openHandshake(port);
    const connection = await core.connection();
    for (let second = 1; second <= 3; second += 1) {
      client.send(
        Buffer.concat([many(PONG, 25), many(PING, 15), many(BINARY, 10), textFrame(`second ${second}`)]),
      );
      await connection.until(({ texts }) => texts.length === second);
      clock.advance(1000);
    }
    expect(connection.pongs).toBe(75);
    expect(connection.closes).toEqual([]);
  });
});
