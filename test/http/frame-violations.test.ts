import { describe, expect, it } from 'vitest';
import { BINARY, CLOSE, CONTINUATION, closeCodeOf, frame, PING, TEXT, textFrame } from './masked-frame.ts';
import { openHandshake } from './raw-client.ts';
import { startServer } from './start-server.ts';

const fragment = (opcode: number, payload = 'x') => frame({ opcode, payload, fin: false });

const VIOLATIONS: Readonly<Record<string, readonly [Buffer, number]>> = {
  'an unmasked frame': [frame({ opcode: TEXT, payload: 'x', masked: false }), 1002],
  'a reserved bit': [frame({ opcode: TEXT, payload: 'x', reserved: 4 }), 1002],
  'opcode 3': [frame({ opcode: 3, payload: 'x' }), 1002],
  'opcode 11': [frame({ opcode: 11, payload: 'x' }), 1002],
  'a continuation of nothing': [frame({ opcode: CONTINUATION, payload: 'x' }), 1002],
  'a fragmented ping': [fragment(PING), 1002],
  'a ping of 126 bytes': [frame({ opcode: PING, payload: 'x'.repeat(126) }), 1002],
  'a close payload of one byte': [frame({ opcode: CLOSE, payload: 'x' }), 1002],
  'a close code that must not be sent': [frame({ opcode: CLOSE, payload: Buffer.from([0x03, 0xee]) }), 1002],
  'bad UTF-8': [frame({ opcode: TEXT, payload: Buffer.from([0xc3, 0x28]) }), 1007],
  'a frame over the limit': [frame({ opcode: TEXT, payload: 'x'.repeat(1025) }), 1009],
  'fragments over the limit together': [
    Buffer.concat([fragment(TEXT, 'x'.repeat(600)), fragment(CONTINUATION, 'x'.repeat(600))]),
    1009,
  ],
  'a declared length of 2^54': [frame({ opcode: TEXT, declaredLength: 2n ** 54n }), 1009],
  'more than 64 fragments': [
    Buffer.concat([fragment(TEXT), ...Array.from({ length: 64 }, () => fragment(CONTINUATION))]),
    1008,
  ],
  'a binary frame': [frame({ opcode: BINARY, payload: 'x' }), 1003],
  'a binary frame in fragments, of which the first is empty': [
    Buffer.concat([fragment(BINARY, ''), frame({ opcode: CONTINUATION, payload: 'x' })]),
    1003,
  ],
};

describe('malformed WebSocket use', () => {
  it.each(Object.entries(VIOLATIONS))(
    '%s closes, and nothing behind it is handled',
    async (_what, [bytes, code]) => {
      const { port, core } = await startServer({ maxFrameBytes: 1024 });
      const client = await openHandshake(port);
      const connection = await core.connection();
      client.text = '';

      const behind = Array.from({ length: 500 }, () => textFrame('behind'));
      client.send(Buffer.concat([textFrame('before'), bytes, ...behind, frame({ opcode: CLOSE })]));

      const text = await client.untilClosed();
      expect(closeCodeOf(text)).toBe(code);
      expect(await connection.closeCode()).toBe(code);
      expect(connection.texts).toEqual(['before']);
    },
  );
});
