import { describe, expect, it } from 'vitest';
import { createCore, start } from '../support/core.ts';
import { settled } from '../support/quiet.ts';

describe('drain', () => {
  it('tells clients, refuses new starts, lets live streams end, then closes with 1001', async () => {
    const { connect, upstream, relay } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    const drained = relay.drain(270_000);
    socket.send(start('s2'));
    await settled();
    expect(socket.of('going_away')[0]).toMatchObject({ resume: 'here', deadlineMs: 270_000 });
    expect(socket.of('error')).toMatchObject([
      { id: 's2', of: 'start', code: 'shutting_down', retryable: true },
    ]);
    expect(socket.closedWith).toBeUndefined();
    upstream.last.text('whole answer');
    upstream.last.end();
    await drained;
    expect(socket.text('s1')).toBe('whole answer');
    expect(socket.endings('s1')).toMatchObject([{ type: 'done' }]);
    expect(socket.closedWith).toMatchObject({ code: 1001 });
  });

  it('ends what is left at the deadline as interrupted, with its row settled', async () => {
    const { connect, upstream, relay, clock, rows } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    upstream.last.text('half');
    const drained = relay.drain(1_000);
    clock.advance(1_000);
    await drained;
    expect(socket.endings('s1')).toMatchObject([
      { type: 'error', code: 'interrupted', retryable: true, seq: 1 },
    ]);
    expect(rows()).toMatchObject([{ status: 'error', code: 'interrupted' }]);
  });

  it('stops waiting when asked a second time', async () => {
    const { connect, relay, rows } = createCore();
    connect().send(start('s1'));
    await settled();
    const drained = relay.drain(270_000);
    void relay.drain(270_000);
    await drained;
    expect(rows()).toMatchObject([{ code: 'interrupted' }]);
  });

  it('with nothing live is over at once', async () => {
    const { relay } = createCore();
    await relay.drain(270_000);
    expect(relay.draining).toBe(true);
  });
});
