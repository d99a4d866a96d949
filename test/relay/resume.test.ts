import { describe, expect, it } from 'vitest';
import { BOB, createCore, start } from '../support/core.ts';
import { settled } from '../support/quiet.ts';

async function withStream() {
  const core = createCore();
  const socket = core.connect();
  socket.send(start('s1'));
  await settled();
  for (const word of ['a', 'b', 'c', 'd']) {
    core.upstream.last.text(word);
    await settled();
  }
  return { ...core, socket, epoch: socket.of('accepted')[0]?.epoch ?? '' };
}

describe('resume', () => {
  it.each([0, 1, 2, 3, 4])('after %i gives exactly the rest, then the ending', async (after) => {
    const { connect, upstream, epoch } = await withStream();
    const other = connect();
    other.send({ type: 'resume', id: 's1', epoch, after });
    await settled();
    upstream.last.end();
    await settled();
    expect(other.text('s1', after)).toBe('abcd'.slice(after));
    expect(other.endings('s1')).toHaveLength(1);
  });

  it('of an ended stream replays it with its ending', async () => {
    const { connect, upstream, epoch } = await withStream();
    upstream.last.end('max_tokens');
    await settled();
    const other = connect();
    other.send({ type: 'resume', id: 's1', epoch, after: 2 });
    await settled();
    expect(other.of('resumed')[0]).toMatchObject({ head: 4, state: 'ended' });
    expect(other.text('s1', 2)).toBe('cd');
    expect(other.endings('s1')).toMatchObject([{ type: 'done', stopReason: 'max_tokens', seq: 4 }]);
  });

  it('moves the one cursor of the connection: nothing arrives twice from then on', async () => {
    const { socket, upstream, epoch } = await withStream();
    socket.send({ type: 'resume', id: 's1', epoch, after: 4 });
    await settled();
    upstream.last.text('e');
    upstream.last.end();
    await settled();
    expect(socket.text('s1')).toBe('abcde');
    expect(socket.of('chunk').filter((chunk) => chunk.seq === 5)).toHaveLength(1);
    expect(socket.endings('s1')).toHaveLength(1);
  });

  it.each([
    ['past the head', { after: 5 }, 'resume_gap'],
    ['of another epoch', { epoch: 'AAAAAAAAAAAA' }, 'resume_gap'],
    ['of an absent stream', { id: 'nope' }, 'unknown_stream'],
    ['with a seq that is none', { after: -1 }, 'bad_request'],
    ['with half a seq', { after: 1.5 }, 'bad_request'],
  ])('%s is refused whole', async (_name, fields, code) => {
    const { connect, epoch } = await withStream();
    const other = connect();
    other.send({ type: 'resume', id: 's1', epoch, after: 0, ...fields });
    await settled();
    expect(other.of('error')).toMatchObject([{ of: 'resume', code }]);
    expect(other.of('chunk')).toHaveLength(0);
  });

  it("of another user's stream is refused in the words used for an absent one", async () => {
    const { connect, epoch } = await withStream();
    const bob = connect(BOB);
    bob.send({ type: 'resume', id: 's1', epoch, after: 0 });
    bob.send({ type: 'resume', id: 's9', epoch, after: 0 });
    await settled();
    const [foreign, absent] = bob.of('error');
    expect({ ...foreign, id: 's9' }).toEqual(absent);
    expect(bob.of('chunk')).toHaveLength(0);
  });

  it('two sockets on one stream both complete', async () => {
    const { connect, socket, upstream, epoch } = await withStream();
    const other = connect();
    other.send({ type: 'resume', id: 's1', epoch, after: 0 });
    await settled();
    upstream.last.text('e');
    upstream.last.end();
    await settled();
    expect(socket.text('s1')).toBe('abcde');
    expect(other.text('s1')).toBe('abcde');
    expect([socket, other].map((each) => each.endings('s1').length)).toEqual([1, 1]);
  });
});

describe('ack', () => {
  it('past the head is refused, of an unknown stream too; lower ones are ignored', async () => {
    const { socket } = await withStream();
    socket.send({ type: 'ack', id: 's1', seq: 4 });
    socket.send({ type: 'ack', id: 's1', seq: 1 });
    socket.send({ type: 'ack', id: 's1', seq: 5 });
    socket.send({ type: 'ack', id: 'nope', seq: 0 });
    await settled();
    expect(socket.of('error')).toMatchObject([
      { id: 's1', of: 'ack', code: 'bad_request' },
      { id: 'nope', of: 'ack', code: 'unknown_stream' },
    ]);
  });
});
