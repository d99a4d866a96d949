import { describe, expect, it, vi } from 'vitest';
import type { RelayError } from '../../src/protocol/relay-error.ts';
import type { StartCommand } from '../../src/run/starter.ts';
import { BOB, createCore, principal, start } from '../support/core.ts';
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
    expect([...relay.overloads]).toEqual(['memory']);
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

  it('memory that is kept for logs to come is given back', async () => {
    const { relay, logs, upstream } = await withEndedAndLive();
    const released = vi.spyOn(logs, 'releaseSpare');
    relay.applyMemoryPressure('none');
    expect(released).not.toHaveBeenCalled();
    relay.applyMemoryPressure('soft');
    expect(released).toHaveBeenCalledOnce();
    upstream.calls[1]?.text('live');
    expect(relay.registry.live).toBe(1);
  });

  it('the reader that is furthest behind is cut, to resume later; no other', async () => {
    const { connect, relay, socket, upstream } = await withEndedAndLive();
    const slow = connect();
    slow.send(start('slow'));
    await settled();
    slow.stalled = true;
    upstream.last.text('x'.repeat(60_000));
    await settled();
    relay.applyMemoryPressure('critical');
    expect(slow.closedWith).toMatchObject({ code: 4503 });
    expect(socket.closedWith).toBeUndefined();
  });

  it('nobody is cut who keeps up: a few frames that are not acknowledged yet are no backlog', async () => {
    const { relay, socket, upstream } = await withEndedAndLive();
    upstream.calls[1]?.text('a');
    await settled();
    socket.send({ type: 'ack', id: 'live', seq: 1 });
    upstream.calls[1]?.text('b'.repeat(20_000));
    await settled();
    relay.applyMemoryPressure('critical');
    expect(socket.closedWith).toBeUndefined();
  });

  it('the reader may be one without a WebSocket, and is no longer one once it is gone', async () => {
    const { connect, relay, upstream, observed } = await withEndedAndLive();
    const behind = connect();
    behind.send(start('behind'));
    await settled();
    behind.stalled = true;
    upstream.last.text('x'.repeat(60_000));
    await settled();
    const sinks = [slowSink(90_000), slowSink(80_000)];
    const subscriptions = await Promise.all(
      sinks.map((sink, index) => relay.start(httpStart(`http-${index}`), sink)),
    );
    relay.applyMemoryPressure('critical');
    expect(sinks.map(({ failures }) => failures)).toEqual([['stalled'], []]);
    subscriptions[0]?.close();
    relay.applyMemoryPressure('critical');
    expect(sinks.map(({ failures }) => failures)).toEqual([['stalled'], ['stalled']]);
    subscriptions[1]?.close();
    expect(behind.closedWith).toBeUndefined();
    relay.applyMemoryPressure('critical');
    expect(behind.closedWith).toMatchObject({ code: 4503 });
    const closed = observed.filter(
      ({ kind, event }) => kind === 'slowReader' && (event as string) === 'closed',
    );
    expect(closed).toHaveLength(3);
  });
});

describe('when the event loop is late', () => {
  it('new starts are refused, and nothing else', async () => {
    const { relay, socket, upstream, logs, observed } = await withEndedAndLive();
    const before = logs.heldBytes;
    relay.applyEventLoopLag(true);
    socket.send(start('new'));
    await settled();
    expect(socket.of('error')).toMatchObject([{ id: 'new', of: 'start', code: 'unavailable' }]);
    expect(observed.at(-1)).toMatchObject({ kind: 'refused', event: { cause: 'event_loop' } });
    expect(logs.heldBytes).toBe(before);
    socket.send(start('ended')); // the same request again: it is there already
    upstream.calls[1]?.text('still here');
    await settled();
    expect(socket.of('resumed')).toHaveLength(1);
    expect(socket.text('live')).toBe('still here');
  });

  it('it is over when both are', async () => {
    const { relay, socket } = await withEndedAndLive();
    relay.applyEventLoopLag(true);
    relay.applyMemoryPressure('soft');
    expect([...relay.overloads]).toEqual(['event_loop', 'memory']);
    relay.applyEventLoopLag(false);
    expect([...relay.overloads]).toEqual(['memory']);
    relay.applyMemoryPressure('none');
    socket.send(start('new'));
    await settled();
    expect(socket.of('accepted').map(({ id }) => id)).toContain('new');
  });
});

function httpStart(id: string): StartCommand {
  const caller = { door: 'sse', requestId: id, connectionId: null } as const;
  const request = { action: 'chat', messages: [{ role: 'user' as const, content: 'hi' }] };
  return { principal: principal(BOB, Number.MAX_SAFE_INTEGER), id, request, caller };
}

/** A response with so many bytes that its caller does not take. */
function slowSink(bufferedBytes: number) {
  const failures: (RelayError | 'stalled')[] = [];
  const failed = (reason: RelayError | 'stalled') => void failures.push(reason);
  return { bufferedBytes, failures, failed, opened() {}, frame() {}, ended() {}, flush() {} };
}
