import { describe, expect, it } from 'vitest';
import { ALICE, BOB, createCore, start } from '../support/core.ts';
import { settled } from '../support/quiet.ts';

const cancel = (id: string) => ({ type: 'cancel', id });

describe('cancel', () => {
  it('before the intent is committed: no call is made, one row, one ending', async () => {
    const { connect, upstream, rows } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    socket.send(cancel('s1'));
    await settled();
    expect(upstream.calls).toHaveLength(0);
    expect(socket.endings('s1')).toMatchObject([{ type: 'cancelled', seq: 0, usage: { source: 'none' } }]);
    expect(rows()).toMatchObject([{ status: 'cancelled' }]);
  });

  it('before the first token: upstream is aborted and the receipt says what is known', async () => {
    const { connect, upstream } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    upstream.last.begin(42);
    socket.send(cancel('s1'));
    await settled();
    expect(upstream.last.signal.aborted).toBe(true);
    expect(socket.endings('s1')).toMatchObject([
      { type: 'cancelled', seq: 0, textLength: 0, usage: { inputTokens: 42, source: 'input_only' } },
    ]);
  });

  it('mid-stream: the ending comes behind the last text, and waits until upstream is closed', async () => {
    const { connect, upstream, clock } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    upstream.last.text('some ', 'text');
    upstream.last.holdClose();
    socket.send(cancel('s1'));
    await settled();
    expect(socket.endings('s1')).toHaveLength(0);
    clock.advance(3);
    upstream.last.releaseClose();
    await settled();
    expect(socket.frames.at(-1)).toMatchObject({
      type: 'cancelled',
      seq: 2,
      textLength: 9,
      timing: { upstreamClosedMs: 3 },
    });
    expect(upstream.openRequests).toBe(0);
  });

  it('racing the end: the ending that came first stands, whichever way', async () => {
    const { connect, upstream, rows } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    upstream.last.text('all of it');
    upstream.last.end();
    socket.send(cancel('s1'));
    await settled();
    expect(socket.endings('s1')).toMatchObject([{ type: 'done' }]);
    expect(rows()).toMatchObject([{ status: 'done' }]);
  });

  it('after the end, and twice: the same ending again', async () => {
    const { connect, upstream, rows } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    socket.send(cancel('s1'));
    socket.send(cancel('s1'));
    await settled();
    socket.send(cancel('s1'));
    await settled();
    const endings = socket.endings('s1');
    expect(endings.length).toBeGreaterThanOrEqual(2);
    expect(new Set(endings.map((frame) => JSON.stringify(frame))).size).toBe(1);
    expect(upstream.calls).toHaveLength(1);
    expect(rows()).toHaveLength(1);
  });

  it('from another socket of the same user: both are told', async () => {
    const { connect, upstream } = createCore();
    const [reading, stopping] = [connect(), connect()];
    reading.send(start('s1'));
    await settled();
    upstream.last.text('abc');
    stopping.send(cancel('s1'));
    await settled();
    expect(reading.endings('s1')).toMatchObject([{ type: 'cancelled' }]);
    expect(stopping.endings('s1')).toEqual(reading.endings('s1'));
    expect(stopping.of('chunk')).toHaveLength(0);
  });

  it("of another user's stream is refused in the words used for an absent one, and harms nothing", async () => {
    const { connect, upstream } = createCore();
    const [alice, bob] = [connect(ALICE), connect(BOB)];
    alice.send(start('s1'));
    await settled();
    bob.send(cancel('s1'));
    bob.send(cancel('s2'));
    await settled();
    const [foreign, absent] = bob.of('error');
    expect(foreign).toMatchObject({ id: 's1', of: 'cancel', code: 'unknown_stream' });
    expect({ ...foreign, id: 's2' }).toEqual(absent);
    upstream.last.text('unharmed');
    upstream.last.end();
    await settled();
    expect(alice.endings('s1')).toMatchObject([{ type: 'done' }]);
  });
});
