import { describe, expect, it } from 'vitest';
import { createCore, start } from '../support/core.ts';
import { settled } from '../support/quiet.ts';

describe('a socket that goes away', () => {
  it('does not end its streams: they go on, and a resume gets the rest', async () => {
    const { connect, upstream, clock } = createCore();
    const first = connect();
    first.send(start('s1'));
    await settled();
    upstream.last.text('one ');
    await settled();
    const epoch = first.of('accepted')[0]?.epoch;
    first.drop();
    upstream.last.text('two ');
    clock.advance(30_000);
    const second = connect();
    second.send({ type: 'resume', id: 's1', epoch, after: 1 });
    await settled();
    upstream.last.text('three');
    upstream.last.end();
    await settled();
    expect(second.of('resumed')[0]).toMatchObject({ epoch, after: 1, head: 2, state: 'live' });
    expect(first.text('s1') + second.text('s1', 1)).toBe('one two three');
    expect(second.endings('s1')).toMatchObject([{ type: 'done' }]);
    expect(upstream.calls).toHaveLength(1);
  });

  it('leaves them abandoned once nobody followed for ABANDON_AFTER_MS', async () => {
    const { connect, upstream, clock, rows } = createCore();
    const socket = connect();
    socket.send(start('s1'));
    await settled();
    upstream.last.text('spoken');
    socket.drop();
    clock.advance(59_900);
    expect(upstream.last.signal.aborted).toBe(false);
    clock.advance(200);
    await settled();
    expect(upstream.last.signal.aborted).toBe(true);
    expect(rows()).toMatchObject([{ status: 'error', code: 'abandoned' }]);
    const later = connect();
    later.send({ type: 'resume', id: 's1', epoch: socket.of('accepted')[0]?.epoch, after: 0 });
    await settled();
    expect(later.text('s1')).toBe('spoken');
    expect(later.endings('s1')).toMatchObject([{ type: 'error', code: 'abandoned', retryable: false }]);
  });

  it('cancels at once where the client asked for that, or named no id', async () => {
    const { connect, upstream, rows } = createCore();
    const socket = connect();
    socket.send(start('s1', { onDisconnect: 'cancel' }));
    socket.send({ action: 'chat', messages: [{ role: 'user', content: 'hi' }] });
    await settled();
    socket.drop(1000);
    await settled();
    expect(upstream.calls.map((call) => call.signal.aborted)).toEqual([true, true]);
    expect(rows().map((row) => row.status)).toEqual(['cancelled', 'cancelled']);
  });

  it('does not stop a stream that another socket still follows', async () => {
    const { connect, upstream, clock } = createCore();
    const [one, two] = [connect(), connect()];
    one.send(start('s1', { onDisconnect: 'cancel' }));
    await settled();
    two.send(start('s1', { onDisconnect: 'cancel' }));
    await settled();
    one.drop();
    clock.advance(5_000);
    await settled();
    expect(upstream.last.signal.aborted).toBe(false);
    two.drop();
    await settled();
    expect(upstream.last.signal.aborted).toBe(true);
  });

  it('leaves nothing behind once the resume window is over', async () => {
    const { connect, upstream, clock, logs, relay } = createCore();
    const socket = connect();
    for (const id of ['a', 'b', 'c']) socket.send(start(id));
    await settled();
    for (const call of upstream.calls) {
      call.text('text');
      call.end();
    }
    await settled();
    socket.drop();
    expect(logs.heldBytes).toBeGreaterThan(0);
    clock.advance(121_000);
    expect(logs.heldBytes).toBe(0);
    expect(relay.registry.size).toBe(0);
    expect(relay.connections).toBe(0);
    expect(clock.pending).toBe(1); // the wheel's own interval
  });
});
