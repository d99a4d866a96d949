import { describe, expect, it } from 'vitest';
import { createCore, start } from '../support/core.ts';
import { settled } from '../support/quiet.ts';

async function withEndedAndLive() {
  const core = createCore();
  const socket = core.connect();
  for (const id of ['ended', 'live']) socket.send(start(id));
  await settled();
  core.upstream.calls[0]?.text('kept for a while');
  core.upstream.calls[0]?.end();
  await settled();
  return { ...core, socket };
}

describe('when memory is short', () => {
  it('new starts are refused, what runs goes on, and it is over when the pressure is', async () => {
    const { relay, socket, upstream } = await withEndedAndLive();
    relay.applyMemoryPressure('soft');
    socket.send(start('new'));
    await settled();
    expect(relay.overloaded).toBe(true);
    expect(socket.of('error')).toMatchObject([
      { id: 'new', of: 'start', code: 'unavailable', retryable: true },
    ]);
    upstream.calls[1]?.text('still here');
    await settled();
    expect(socket.text('live')).toBe('still here');
    relay.applyMemoryPressure('none');
    socket.send(start('new'));
    await settled();
    expect(socket.of('accepted').map((frame) => frame.id)).toContain('new');
  });

  it('ended streams are let go, live ones are not', async () => {
    const { relay, logs, socket, upstream } = await withEndedAndLive();
    upstream.calls[1]?.text('live');
    await settled();
    const before = logs.heldBytes;
    relay.applyMemoryPressure('hard');
    expect(logs.heldBytes).toBeLessThan(before);
    expect(relay.registry.size).toBe(1);
    upstream.calls[1]?.end();
    await settled();
    expect(socket.endings('live')).toHaveLength(1);
  });

  it('the reader that is furthest behind is cut, to resume later; no other', async () => {
    const { connect, relay, socket, upstream } = await withEndedAndLive();
    const slow = connect();
    slow.send(start('slow'));
    await settled();
    slow.stalled = true;
    upstream.last.text('x'.repeat(10_000));
    await settled();
    relay.applyMemoryPressure('critical');
    expect(slow.closedWith).toMatchObject({ code: 4503 });
    expect(socket.closedWith).toBeUndefined();
  });
});
