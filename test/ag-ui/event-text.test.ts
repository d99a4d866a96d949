/** Frames as AG-UI's events: each valid, in an order that the library's own verification takes, and read on from any place. */
import { HttpAgent } from '@ag-ui/client';
import { expect, it } from 'vitest';
import { EventText } from '../../src/ag-ui/event-text.ts';
import type { EndingFrame } from '../../src/protocol/frames.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import {
  chunkPrefix,
  encodeChunk,
  encodeFrame,
  encodeThinking,
  toWire,
  type WireText,
} from '../../src/protocol/wire-text.ts';
import { faultOf, run, type SeenEvent } from './library.ts';

const NAMED = { threadId: 'thread "1"', runId: 'run\u2028é', streamId: 'agui-0123456789abcdefghijkl' };
const USAGE = {
  inputTokens: 10,
  outputTokens: 5,
  cacheReadTokens: 3,
  cacheWriteTokens: 2,
  source: 'final',
} as const;
const TIMING = { firstTokenMs: 5, totalMs: 9, chunks: 2, bytes: 20 };
const { streamId: id } = NAMED;
const DONE: EndingFrame = {
  type: 'done',
  id,
  seq: 2,
  stopReason: 'end_turn',
  model: 'm',
  textLength: 9,
  usage: USAGE,
  timing: TIMING,
};
const CANCELLED: EndingFrame = { type: 'cancelled', id, seq: 2, textLength: 9, usage: USAGE, timing: TIMING };
const FAILED: EndingFrame = {
  type: 'error',
  id,
  seq: 2,
  code: 'upstream_reset',
  message: 'lost',
  retryable: true,
  usage: USAGE,
};

function inside(text: string): WireText {
  return toWire(JSON.stringify(text).slice(1, -1));
}

const chunk = (text: string, seq = 1): WireText => encodeChunk(chunkPrefix(id), seq, 1, inside(text));
const tool = (call: number, state: 'running' | 'done' | 'failed'): WireText =>
  encodeFrame({ type: 'tool', id, call, name: 'books', label: 'Looking…', state });

type Step = (text: EventText) => WireText;
const opened: Step = (text) => text.opened({ epoch: 'epoch-1', model: 'm' });
const said =
  (content: string): Step =>
  (text) =>
    text.chunk(chunk(content));
const thought =
  (content?: string, after = 0): Step =>
  (text) =>
    text.thinking(encodeThinking(id, content === undefined ? undefined : inside(content)), after);
const called =
  (call: number, state: 'running' | 'done' | 'failed'): Step =>
  (text) =>
    text.tool(tool(call, state));
const ended =
  (frame: EndingFrame): Step =>
  (text) =>
    text.ended(frame);

/** The events of these steps, as the library hands them on: each is valid, and all come in an order that it takes. */
async function eventsOf(steps: readonly Step[], held = 0): Promise<readonly SeenEvent[]> {
  const text = new EventText(NAMED, held);
  const body = Buffer.from(steps.map((step) => step(text)).join(''), 'latin1');
  const agent = new HttpAgent({ url: 'http://relay', fetch: async () => new Response(body) });
  const { events, warnings, error } = await run(agent);
  expect({ warnings, error }).toEqual({ warnings: [], error: undefined });
  expect(events.map(faultOf).filter((fault) => fault !== undefined)).toEqual([]);
  return events;
}

it.each([
  [
    'text',
    [opened, said('a'), said('b'), ended(DONE)],
    'RUN_STARTED TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END RUN_FINISHED',
  ],
  ['nothing', [opened, ended(DONE)], 'RUN_STARTED RUN_FINISHED'],
  [
    'thinking that is told of',
    [opened, thought(), thought(), said('a'), ended(DONE)],
    'RUN_STARTED REASONING_START REASONING_END TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END RUN_FINISHED',
  ],
  [
    'a summary of it',
    [opened, thought(), thought('Hm'), thought('.'), said('a'), ended(DONE)],
    'RUN_STARTED REASONING_START REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT REASONING_MESSAGE_CONTENT REASONING_MESSAGE_END REASONING_END TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END RUN_FINISHED',
  ],
  [
    'thinking between texts, and again',
    [opened, thought('x'), said('a'), thought('y', 1), said('b'), ended(CANCELLED)],
    'RUN_STARTED REASONING_START REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT REASONING_MESSAGE_END REASONING_END TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT REASONING_START REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT REASONING_MESSAGE_END REASONING_END TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END RUN_FINISHED',
  ],
  [
    'a stop while it thinks',
    [opened, thought('x'), ended(CANCELLED)],
    'RUN_STARTED REASONING_START REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT REASONING_MESSAGE_END REASONING_END RUN_FINISHED',
  ],
  [
    'tools',
    [
      opened,
      said('a'),
      thought('x', 1),
      called(1, 'running'),
      called(2, 'running'),
      called(1, 'failed'),
      called(2, 'done'),
      said('b'),
      ended(DONE),
    ],
    'RUN_STARTED TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT REASONING_START REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT REASONING_MESSAGE_END REASONING_END ACTIVITY_SNAPSHOT ACTIVITY_SNAPSHOT ACTIVITY_SNAPSHOT ACTIVITY_SNAPSHOT TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END RUN_FINISHED',
  ],
  [
    'an error in the middle',
    [opened, said('a'), thought('x', 1), ended(FAILED)],
    'RUN_STARTED TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT REASONING_START REASONING_MESSAGE_START REASONING_MESSAGE_CONTENT REASONING_MESSAGE_END REASONING_END TEXT_MESSAGE_END RUN_ERROR',
  ],
  [
    'what cannot be read on',
    [opened, said('a'), (text) => text.failed(new RelayError('unauthorized', 'revoked'))],
    'RUN_STARTED TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END RUN_ERROR',
  ],
] as readonly (readonly [string, readonly Step[], string])[])('%s', async (_what, steps, types) => {
  expect((await eventsOf(steps)).map(({ type }) => type).join(' ')).toBe(types);
});

it('ids say which message a piece belongs to, and the ids of the app come back as they were', async () => {
  const events = await eventsOf([
    opened,
    thought('x'),
    said('a'),
    thought('y', 3),
    called(1, 'done'),
    ended(DONE),
  ]);
  expect(new Set(events.flatMap(({ messageId }) => (messageId === undefined ? [] : [messageId])))).toEqual(
    new Set([`${id}.thought-0`, id, `${id}.thought-3`, `${id}.tool-1`]),
  );
  expect(events[0]).toMatchObject({ threadId: NAMED.threadId, runId: NAMED.runId });
  expect(events.at(-1)).toMatchObject({ threadId: NAMED.threadId, runId: NAMED.runId });
});

it("the receipt is in AG-UI's accounting and in our own", async () => {
  const receipt = { stopReason: 'end_turn', model: 'm', textLength: 9, usage: USAGE, timing: TIMING };
  const usage = [
    {
      model: 'm',
      inputTokens: 15,
      outputTokens: 5,
      totalTokens: 20,
      cachedInputTokens: 3,
      cacheWriteInputTokens: 2,
    },
  ];
  const last = async (frame: EndingFrame) => (await eventsOf([opened, ended(frame)])).at(-1);
  expect(await last(DONE)).toMatchObject({ result: receipt, metadata: { 'dash-relay': receipt }, usage });
  expect(await last(CANCELLED)).toMatchObject({ outcome: { type: 'cancelled' }, usage });
  expect(await last(CANCELLED)).not.toHaveProperty('result');
  expect(await last(FAILED)).toMatchObject({ code: 'upstream_reset', message: 'lost', usage });
  const unknown = { ...FAILED, usage: { ...USAGE, source: 'none' } } as const;
  expect(await last(unknown)).not.toHaveProperty('usage');
});

it('read from any place, what a client holds and what follows are the text', async () => {
  const pieces = ['Sun\n"light"', ' 🎉', '\ud83c', '\udf89 é', '\\', ' end'];
  const whole = pieces.join('');
  for (let held = 0; held <= whole.length + 1; held += 1) {
    const events = await eventsOf([opened, ...pieces.map(said), ended(DONE)], held);
    expect(whole.slice(0, held) + events.map(({ delta = '' }) => delta).join('')).toBe(whole);
  }
});
