import { expect, it } from 'vitest';
import { decodeBatch } from '../../src/cluster/delta-batch.ts';
import { MessageParser } from '../../src/upstream/message-parser.ts';
import type { UpstreamSink } from '../../src/upstream/port.ts';
import { SseDecoder } from '../../src/upstream/sse-decoder.ts';
import { UsageMeter } from '../../src/upstream/usage-meter.ts';

it('an event with tabs between its values is passed on as other machines take it', () => {
  const events: string[] = [];
  const sink: UpstreamSink = {
    text() {},
    thinking() {},
    tool() {},
    began() {},
    event: (json) => void events.push(json),
  };
  const parser = new MessageParser(sink, new UsageMeter(), { events: 'all', showThinking: false });
  const decoder = new SseDecoder((...event) => parser.read(...event));
  decoder.push('event: content_block_stop\ndata:\t{"type":\t"content_block_stop",\t"index":0}\n\n');
  expect(events.map((json) => JSON.parse(json))).toEqual([{ type: 'content_block_stop', index: 0 }]);
  const payload = events.map((json) => `\x1f${json}`).join('');
  expect(decodeBatch({ seq: 1, payload }).deltas).toHaveLength(1);
});
