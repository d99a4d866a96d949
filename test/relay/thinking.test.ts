import { describe, expect, it } from 'vitest';
import { createCore, start } from '../support/core.ts';
import type { FakeSocket } from '../support/fake-socket.ts';
import { settled } from '../support/quiet.ts';

/** The frames after `hello` in short: `thinking`, `thinking:what`, `chunk:text`, and the names of all others. */
function told({ frames }: FakeSocket): string[] {
  return frames
    .slice(1)
    .map((frame) =>
      'content' in frame && frame.content !== undefined ? `${frame.type}:${frame.content}` : frame.type,
    );
}

async function asked(fields: Readonly<Record<string, unknown>> = {}) {
  const core = createCore();
  const socket = core.connect();
  socket.send(start('s1', fields));
  await settled();
  const epoch = socket.of('accepted')[0]?.epoch;
  const resume = (after: number): FakeSocket => {
    const later = core.connect();
    later.send({ type: 'resume', id: 's1', epoch, after });
    return later;
  };
  return { ...core, socket, call: core.upstream.last, resume };
}

const ALOUD = { action: 'think_aloud' };

describe('a run that thinks', () => {
  it('says so between its acceptance and its first text, once, without a number', async () => {
    const { socket, call } = await asked();
    call.think('of nothing that is shown');
    await settled();
    expect(socket.frames.at(-1)).toEqual({ type: 'thinking', id: 's1' });
    call.think(); // a second block of the same thought
    await settled();
    call.text('Light ', 'bends.');
    call.end();
    await settled();
    expect(told(socket)).toEqual(['accepted', 'thinking', 'chunk:Light bends.', 'done']);
    expect(socket.endings('s1')).toMatchObject([{ seq: 2, timing: { chunks: 2 } }]);
  });

  it('keeps the order where all of it comes in one turn', async () => {
    const { socket, call } = await asked(ALOUD);
    call.text('First. ');
    call.think('Hm.');
    call.text('Second.');
    call.end();
    await settled();
    expect(socket.text('s1')).toBe('First. Second.');
    // A reader that was told all text before it could be told the thought is not told of it any more.
    expect(told(socket)).toEqual(['accepted', 'chunk:First. Second.', 'done']);
  });

  it('says so again where it thinks again, behind the text before', async () => {
    const { socket, call } = await asked();
    call.think();
    await settled();
    call.text('First. ');
    call.think();
    await settled();
    call.text('Second.');
    await settled();
    expect(told(socket)).toEqual(['accepted', 'thinking', 'chunk:First. ', 'thinking', 'chunk:Second.']);
  });

  it('that is refused, fails or is cancelled meanwhile ends as ever', async () => {
    const { socket, call } = await asked();
    call.think();
    await settled();
    socket.send({ type: 'cancel', id: 's1' });
    await settled();
    expect(told(socket)).toEqual(['accepted', 'thinking', 'cancelled']);
  });

  it('says nothing beside the events of the model', async () => {
    const { socket, call } = await asked({ action: 'trace', events: 'all' });
    call.event({ type: 'content_block_start', content_block: { type: 'thinking', thinking: '' } });
    call.think();
    await settled();
    expect(told(socket)).toEqual(['accepted', 'event']);
  });
});

describe('who comes while it thinks', () => {
  it.each([
    ['resumes', 0],
    ['resumes behind text', 1],
  ])('%s is told', async (_what, after) => {
    const { call, resume } = await asked(ALOUD);
    call.text('First. ');
    call.think('Hm. ');
    await settled();
    const later = resume(after);
    await settled();
    call.think('Yes.');
    await settled();
    call.text('Second.');
    await settled();
    const before = after === 0 ? ['chunk:First. '] : [];
    expect(told(later)).toEqual(['resumed', ...before, 'thinking', 'thinking:Yes.', 'chunk:Second.']);
  });

  it('and who starts the same again is', async () => {
    const { connect, call } = await asked();
    call.think();
    await settled();
    const other = connect();
    other.send(start('s1'));
    await settled();
    expect(told(other)).toEqual(['resumed', 'thinking']);
  });

  it('but nobody is once there is text, or the ending', async () => {
    const { call, resume } = await asked();
    call.think();
    await settled();
    call.text('Light.');
    await settled();
    const later = resume(0);
    await settled();
    expect(told(later)).toEqual(['resumed', 'chunk:Light.']);
    call.end();
    await settled();
    const last = resume(0);
    await settled();
    expect(told(last)).toEqual(['resumed', 'chunk:Light.', 'done']);
  });
});

describe('what is thought', () => {
  it('is told only where the action allows it', async () => {
    const { socket, call } = await asked(ALOUD);
    call.think('Let me see: "a" ', 'and é.');
    await settled();
    expect(told(socket)).toEqual(['accepted', 'thinking', 'thinking:Let me see: "a" and é.']);
    expect(socket.frames.at(-1)).toEqual({ type: 'thinking', id: 's1', content: 'Let me see: "a" and é.' });
  });

  it('merges for a reader that is slow, and of much only the last is kept for it', async () => {
    const { socket, call } = await asked(ALOUD);
    socket.stalled = true;
    socket.bufferedBytes = 64 * 1024;
    const pieces = Array.from({ length: 2000 }, (_, at) => `${at} of what it thinks. `);
    for (const piece of pieces) call.think(piece);
    await settled();
    expect(told(socket)).toEqual(['accepted']);
    socket.drain();
    await settled();
    const frames = socket.of('thinking').slice(1);
    const held = frames.map(({ content }) => content).join('');
    expect(pieces.join('').endsWith(held)).toBe(true);
    expect(held.length).toBeGreaterThan(15 * 1024);
    expect(held.length).toBeLessThanOrEqual(16 * 1024);
    expect(frames.length).toBeLessThanOrEqual(2);
  });

  it('holds up no text: a reader that is late is told the text alone', async () => {
    const { socket, call } = await asked(ALOUD);
    socket.stalled = true;
    socket.bufferedBytes = 64 * 1024;
    call.text('First. ');
    call.think('Hm. ');
    await settled();
    call.text('Second.');
    call.end();
    await settled();
    socket.drain();
    await settled();
    expect(told(socket)).toEqual(['accepted', 'chunk:First. Second.', 'done']);
  });

  it('needs no acknowledgement', async () => {
    const { socket, call, clock } = await asked(ALOUD);
    call.text('First.');
    await settled();
    socket.send({ type: 'ack', id: 's1', seq: 1 });
    for (let round = 0; round < 100; round += 1) {
      call.think('x'.repeat(10_000));
      await settled();
    }
    clock.advance(31_000);
    await settled();
    expect(socket.closedWith).toBeUndefined();
    expect(socket.of('thinking')).toHaveLength(101);
  });
});
