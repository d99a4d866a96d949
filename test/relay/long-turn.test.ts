import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createCore } from '../support/core.ts';

/** Pongs that a connection has, by the number of the ping. */
const pongs = (socket: ReturnType<ReturnType<typeof createCore>['connect']>) =>
  socket.of('pong').map(({ t }) => t);

it('writes at the end of a turn what came in it, all in one write', async () => {
  const { connect, relay, clock } = createCore();
  const socket = connect();
  await nextTurn();
  const writes = socket.writes.length;
  socket.send({ type: 'ping', t: 1 });
  clock.advance(1);
  relay.flushLate();
  socket.send({ type: 'ping', t: 2 });
  expect(pongs(socket)).toEqual([]);
  await nextTurn();
  expect(pongs(socket)).toEqual([1, 2]);
  expect(socket.writes.length).toBe(writes + 1);
});

it('writes in the middle of a long turn what has waited in it, once', async () => {
  const { connect, relay, clock } = createCore();
  const [one, other] = [connect(), connect()];
  await nextTurn();
  one.send({ type: 'ping', t: 1 });
  other.send({ type: 'ping', t: 1 });
  clock.advance(2);
  relay.flushLate();
  expect(pongs(one)).toEqual([1]);
  expect(pongs(other)).toEqual([1]);
  one.send({ type: 'ping', t: 2 });
  clock.advance(1);
  relay.flushLate();
  expect(pongs(one)).toEqual([1]);
  clock.advance(1);
  relay.flushLate();
  expect(pongs(one)).toEqual([1, 2]);
  await nextTurn();
  expect(pongs(one)).toEqual([1, 2]);
  expect(pongs(other)).toEqual([1]);
});
