/** Callers who take an answer as events and go, or stay without reading, with the core in memory behind real sockets. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { RouteParts } from '../../src/http/routes/routes.ts';
import type { Subscription } from '../../src/relay/subscription.ts';
import { MemoryStreamLogs } from '../../src/stream-log/memory.ts';
import { createCore, start } from '../support/core.ts';
import { settled } from '../support/quiet.ts';
import { watchServerSockets } from '../support/server-sockets.ts';
import { openRaw, roundTrip } from './raw-client.ts';
import { ALICE, startServer } from './start-server.ts';

const COMMENT_MS = 15_000;
/** And a check more. */
const STALLED_MS = 40_000;
const TEXT = 'x'.repeat(8000);
const BODY = JSON.stringify({ id: 's1', action: 'chat', messages: [{ role: 'user', content: 'hi' }] });

const request = (method: string, path: string, body = ''): string =>
  [
    `${method} ${path} HTTP/1.1`,
    'Host: relay.example',
    'Authorization: Bearer alice',
    'Accept: text/event-stream',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');

/** The answer is over, and its reader has stopped in front of the last of it, which the kernel has not taken. */
async function startUnread() {
  const core = createCore({ logs: new MemoryStreamLogs({ maxBytes: 1 << 25, totalBytes: 1 << 26 }) });
  const { port } = await startServer({ routes: { relay: core.relay, clock: core.clock } });
  using sockets = watchServerSockets(port);
  const timers = core.clock.pending;
  const reader = (await openRaw(port)).send(request('POST', '/v1/chat', BODY));
  const call = await core.upstream.call(0);
  call.text('one ');
  await reader.until('one ');
  core.clock.advance(COMMENT_MS - 1000);
  reader.socket.pause();
  while (sockets.heldBytes === 0) {
    call.text(TEXT);
    await settled();
  }
  call.end();
  await settled();
  return { clock: core.clock, timers, reader };
}

it('what has ended is written to no more, also where its reader has not taken the last of it', async () => {
  const { clock, timers, reader } = await startUnread();
  for (const untilComment of [1000, COMMENT_MS]) {
    clock.advance(untilComment);
    await settled();
  }
  reader.socket.resume();
  await reader.until('event: done');
  expect(reader.text.slice(reader.text.indexOf('event: done'))).not.toContain('\n:\n');
  while (clock.pending > timers) await nextTurn();
});

it('who does not take the ending within 30 s is cut', async () => {
  const { clock, timers, reader } = await startUnread();
  clock.advance(STALLED_MS);
  while (clock.pending > timers) await nextTurn();
  reader.socket.resume();
  expect(await reader.untilClosed()).not.toContain('event: done');
});

it('who hangs up while other machines are asked leaves nothing behind', async () => {
  const core = createCore();
  const { promise: asked, resolve: answer } = Promise.withResolvers<void>();
  let resumed: Promise<Subscription> | undefined;
  const relay: RouteParts['relay'] = {
    start: (command, sink) => core.relay.start(command, sink),
    resume: (position, sink) => (resumed = asked.then(() => core.relay.resume(position, sink))),
    cancel: (...who) => core.relay.cancel(...who),
    stateOf: (...which) => core.relay.stateOf(...which),
    forget: (...which) => core.relay.forget(...which),
    streamsOf: (...which) => core.relay.streamsOf(...which),
  };
  const { port } = await startServer({ routes: { relay, clock: core.clock } });
  core.connect().send(start('s1'));
  const call = await core.upstream.call(0);
  call.text('one ');
  await settled();
  const readers = () => core.relay.registry.find(ALICE, 's1')?.readers.size;
  expect(readers()).toBe(1);
  const timers = core.clock.pending;
  const reader = (await openRaw(port)).send(request('GET', '/v1/streams/s1'));
  while (resumed === undefined) await nextTurn();
  reader.socket.destroy();
  await roundTrip(port);
  answer();
  await resumed;
  await settled();
  expect(readers()).toBe(1);
  expect(core.clock.pending).toBe(timers);
});
