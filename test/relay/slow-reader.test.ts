import { describe, expect, it } from 'vitest';
import { createCore, start } from '../support/core.ts';
import { settled } from '../support/quiet.ts';

const CHUNK = 'x'.repeat(1000);

describe('a slow reader', () => {
  it('has at most 64 KiB and one frame held for it, and harms nobody', async () => {
    const { connect, upstream } = createCore();
    const [slow, quick] = [connect(), connect()];
    slow.send(start('slow'));
    quick.send(start('quick'));
    await settled();
    slow.stalled = true;
    for (let round = 0; round < 300; round += 1) {
      for (const call of upstream.calls) call.text(CHUNK);
      await settled();
    }
    expect(slow.bufferedBytes).toBeLessThanOrEqual(64 * 1024 + 16 * 1024);
    expect(quick.text('quick')).toHaveLength(300_000);
  });

  it('gets what piled up merged once it drains, exactly', async () => {
    const { connect, upstream } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    socket.stalled = true;
    for (let round = 0; round < 200; round += 1) {
      upstream.last.text(CHUNK);
      await settled();
    }
    const before = socket.of('chunk').length;
    upstream.last.end();
    for (let round = 0; round < 10; round += 1) {
      socket.drain();
      await settled();
    }
    expect(socket.text('s1')).toBe(CHUNK.repeat(200));
    expect(socket.endings('s1')).toHaveLength(1);
    expect(
      socket
        .of('chunk')
        .slice(before)
        .some((chunk) => (chunk.count ?? 1) > 1),
    ).toBe(true);
  });

  it('is closed with 4503 after 30 s without progress, and a resume completes', async () => {
    const { connect, upstream, clock } = createCore({ heartbeatMs: 1_000_000 });
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    socket.stalled = true;
    upstream.last.text(CHUNK);
    await settled();
    clock.advance(29_000);
    expect(socket.closedWith).toBeUndefined();
    clock.advance(2_000);
    expect(socket.closedWith).toMatchObject({ code: 4503 });
    socket.drop(4503);
    const again = connect();
    again.send({ type: 'resume', id: 's1', epoch: socket.of('accepted')[0]?.epoch, after: 0 });
    upstream.last.end();
    await settled();
    expect(again.text('s1')).toBe(CHUNK);
  });

  it('that acknowledges stays as long as acks come, and goes when they stop', async () => {
    const { connect, upstream, clock } = createCore({ heartbeatMs: 1_000_000 });
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    for (let seq = 1; seq <= 10; seq += 1) {
      upstream.last.text('word ');
      await settled();
      socket.send({ type: 'ack', id: 's1', seq: Math.max(1, seq - 1) });
      clock.advance(20_000);
    }
    expect(socket.closedWith).toBeUndefined();
    clock.advance(35_000);
    expect(socket.closedWith).toMatchObject({ code: 4503 });
  });

  it('that acknowledges has a bounded amount on its way, however large the kernel buffers are', async () => {
    const { connect, upstream } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    upstream.last.text('a');
    await settled();
    socket.send({ type: 'ack', id: 's1', seq: 1 });
    for (let round = 0; round < 600; round += 1) {
      upstream.last.text(CHUNK);
      await settled();
    }
    const sent = socket.text('s1').length;
    expect(sent).toBeLessThan(300_000);
    const head = socket.of('chunk').at(-1)?.seq;
    socket.send({ type: 'ack', id: 's1', seq: head });
    await settled();
    expect(socket.text('s1').length).toBeGreaterThan(sent);
  });
});

describe('streams of one connection', () => {
  it('take turns: a long backlog of one does not hold up another', async () => {
    const { connect, upstream } = createCore();
    const socket = connect();
    socket.send(start('long'));
    socket.send(start('short'));
    await settled();
    socket.stalled = true;
    for (let round = 0; round < 500; round += 1) {
      upstream.calls[0]?.text(CHUNK);
      await settled();
    }
    upstream.calls[1]?.text('hello');
    await settled();
    const before = socket.frames.length;
    socket.drain();
    await settled();
    const next = socket.frames.slice(before, before + 2);
    expect(next.some((frame) => frame.type === 'chunk' && frame.id === 'short')).toBe(true);
  });

  it('leave in one write for all deltas of one event-loop turn', async () => {
    const { connect, upstream } = createCore();
    const socket = connect();
    for (const id of ['a', 'b', 'c']) socket.send(start(id));
    await settled();
    const before = socket.writes.length;
    for (const call of upstream.calls) call.text('one', 'two');
    await settled();
    expect(socket.writes.slice(before)).toEqual([3]);
  });
});
