import { expect, it } from 'vitest';
import { isChunk, readChunk } from '../../bench/load/chunk-frame.ts';

const frameOf = (fields: object) => Buffer.from(JSON.stringify(fields));

it('reads the id and seq of a chunk as the relay writes it', () => {
  const bytes = frameOf({ type: 'chunk', id: 'c0-12', seq: 1034, content: 'a "word", 7' });
  expect(isChunk(bytes, 0)).toBe(true);
  expect(readChunk(bytes, 0)).toMatchObject({ id: 'c0-12', seq: 1034, count: 1 });
});

it('reads how many deltas a merged chunk holds', () => {
  const bytes = frameOf({ type: 'chunk', id: 'c', seq: 9, count: 16, content: '' });
  expect(readChunk(bytes, 0)).toMatchObject({ seq: 9, count: 16 });
});

it('reads at an offset', () => {
  const bytes = Buffer.concat([Buffer.from('…'), frameOf({ type: 'chunk', id: 'x', seq: 2, content: '' })]);
  expect(readChunk(bytes, Buffer.byteLength('…'))).toMatchObject({ id: 'x', seq: 2 });
});

it.each(['cancelled', 'done', 'error', 'accepted', 'resumed', 'hello', 'closed'])(
  'takes %s for no chunk',
  (type) => {
    expect(isChunk(frameOf({ type, id: 'x' }), 0)).toBe(false);
  },
);
