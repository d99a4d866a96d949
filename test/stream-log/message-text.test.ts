import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, SEPARATOR } from '../../src/cluster/store/message-text.ts';
import type { MachineMessage } from '../../src/cluster/store/port.ts';
import { toWire } from '../../src/protocol/wire-text.ts';

const epoch = 'epoch-1';
const thinking = (after: number, content?: string): MachineMessage => ({
  type: 'interlude',
  epoch,
  after,
  moment: { kind: 'thinking', ...(content === undefined ? {} : { json: toWire(content) }) },
});
const looking = (label?: string): MachineMessage => ({
  type: 'interlude',
  epoch,
  after: 2,
  moment: {
    kind: 'tool',
    progress: { call: 1, name: 'look_up', ...(label === undefined ? {} : { label }), state: 'running' },
  },
});

describe('that a run thinks, or waits for a tool', () => {
  it.each([
    [thinking(0)],
    [thinking(12, 'Hm: \\"é\\" :12 \\n')],
    [looking()],
    [looking('Шукаю в "уроках": 1…')],
  ])('arrives as it was sent', (message) => {
    expect(decodeMessage(encodeMessage(message))).toEqual(message);
  });

  it('is nothing to a relay that does not know it: an addition without deltas or an ending', () => {
    for (const message of [thinking(3, 'Hm.'), looking()]) {
      const [type, ofEpoch, , ...rest] = encodeMessage(message).split(SEPARATOR);
      expect([type, ofEpoch, rest]).toEqual(['added', epoch, ['', '']]);
    }
  });

  it.each([
    ['no position', 'thinking'],
    ['a position that is none', 'thinking:-1'],
    ['a text that ends early', 'thinking:1:a","b":"'],
    ['a line feed', 'thinking:1:a\nb'],
    ['half an escape', 'thinking:1:a\\'],
    ['a tool of nothing', 'tool:1'],
    ['a tool in no state', 'tool:1:{"call":1,"name":"look_up"}'],
    ['a tool that says more', 'tool:1:{"call":1,"name":"a","state":"done","input":{}}'],
  ])('is malformed with %s', (_what, third) => {
    expect(decodeMessage(['added', epoch, third, '', ''].join(SEPARATOR))).toBeUndefined();
  });
});

it('a batch is told by its seq, whatever stands beside it', () => {
  const batch = { seq: 3, payload: '\x1ea' };
  const message = { type: 'added', epoch, addition: { batches: [batch], ending: undefined } } as const;
  expect(decodeMessage(encodeMessage(message))).toEqual(message);
});
