/** What goes on by a token as it is revoked. */
import { expect, it } from 'vitest';
import type { Principal } from '../../src/auth/port.ts';
import { ALICE, BOB, createCore, principal, start, tokenTable } from '../support/core.ts';
import { FakeSocket } from '../support/fake-socket.ts';
import { settled } from '../support/quiet.ts';

/** A core whose principals are revoked by the test. */
function revocableCore() {
  const revoked = new Set<string>();
  const core = createCore({
    isRevoked: ({ userId, token: { sessionId } }: Principal) =>
      revoked.has(userId) || revoked.has(sessionId ?? ''),
  });
  const inSession = (sessionId: string, userId = ALICE): FakeSocket => {
    const socket = new FakeSocket();
    const who = principal(userId, core.clock.now() + 3_600_000);
    const token = { ...who.token, sessionId };
    return socket.attach(
      core.relay.connect(socket, { connectionId: sessionId, principal: { ...who, token } }),
    );
  };
  return { ...core, revoked, inSession };
}

it('closes the connections of a user and ends their streams, each with one row, and nobody else', async () => {
  const { relay, connect, upstream, rows, revoked, observed } = revocableCore();
  const [first, second, bobs] = [connect(), connect(), connect(BOB)];
  first.send(start('s1'));
  first.send(start('s2'));
  second.send(start('s3'));
  bobs.send(start('b1'));
  await settled();
  for (const call of upstream.calls) call.text('some ');
  await settled();
  revoked.add(ALICE);
  expect(await relay.endRevoked()).toEqual({ streams: 3, connections: 2 });
  await settled();
  for (const socket of [first, second])
    expect(socket.closedWith).toEqual({ code: 4401, reason: 'tokenRevoked' });
  expect(bobs.closedWith).toBeUndefined();
  expect(upstream.calls.map(({ signal }) => signal.aborted)).toEqual([true, true, true, false]);
  expect(rows().map(({ streamId, status, code }) => [streamId, status, code])).toEqual([
    ['s1', 'error', 'unauthorized'],
    ['s2', 'error', 'unauthorized'],
    ['s3', 'error', 'unauthorized'],
    ['b1', 'running', null],
  ]);
  const endings = observed.flatMap(({ kind, event }) => (kind === 'streamEnded' ? [event] : []));
  expect(endings.map(({ abortReason }) => abortReason)).toEqual(['revoked', 'revoked', 'revoked']);
});

it("a stream of a revoked session ends for the user's other readers, and what they began goes on", async () => {
  const { relay, inSession, upstream, revoked } = revocableCore();
  const [phone, laptop] = [inSession('phone'), inSession('laptop')];
  phone.send(start('of-phone'));
  laptop.send(start('of-laptop'));
  await settled();
  laptop.send({ type: 'resume', id: 'of-phone', epoch: phone.of('accepted')[0]?.epoch, after: 0 });
  phone.send({ type: 'resume', id: 'of-laptop', epoch: laptop.of('accepted')[0]?.epoch, after: 0 });
  await settled();
  revoked.add('phone');
  expect(await relay.endRevoked()).toEqual({ streams: 1, connections: 1 });
  upstream.calls[1]?.text('still here');
  await settled();
  expect(phone.of('chunk')).toEqual([]);
  expect(laptop.of('chunk')[0]).toMatchObject({ id: 'of-laptop', content: 'still here' });
  expect(laptop.of('error')).toEqual([
    {
      type: 'error',
      id: 'of-phone',
      seq: 0,
      code: 'unauthorized',
      message: 'the access token was revoked; sign in again',
      retryable: false,
      usage: expect.objectContaining({ source: expect.any(String) }),
    },
  ]);
  expect(laptop.closedWith).toBeUndefined();
});

it('an ended stream is kept as it ended, for the sessions that may read it', async () => {
  const { relay, inSession, upstream, revoked } = revocableCore();
  const phone = inSession('phone');
  phone.send(start('s1'));
  await settled();
  upstream.calls[0]?.text('all of it');
  upstream.calls[0]?.end();
  await settled();
  revoked.add('phone');
  expect(await relay.endRevoked()).toEqual({ streams: 0, connections: 1 });
  const laptop = inSession('laptop');
  laptop.send({ type: 'resume', id: 's1', epoch: phone.of('accepted')[0]?.epoch, after: 0 });
  await settled();
  expect(laptop.of('done')).toHaveLength(1);
});

it('a run that waits for its quota makes no call', async () => {
  const { promise: reserved, resolve } = Promise.withResolvers<{ promptTokens: number }>();
  const quota = {
    reserve: () => reserved,
    correct() {},
    settle() {},
    release() {},
    usageOf: async () => ({ plan: 'none', quotas: [] }),
  };
  let isRevoked = false;
  const { relay, connect, upstream, rows } = createCore({ quota, isRevoked: () => isRevoked });
  connect().send(start('s1'));
  await settled();
  isRevoked = true;
  await relay.endRevoked();
  resolve({ promptTokens: 0 });
  await settled();
  expect(upstream.calls).toHaveLength(0);
  expect(rows()).toMatchObject([{ status: 'error', code: 'unauthorized', usage: { source: 'none' } }]);
});

it('a connection whose token is revoked while it waits for its turn is closed behind its hello', async () => {
  const { connect } = createCore({ isRevoked: () => true });
  const socket = connect();
  await settled();
  expect(socket.closedWith).toEqual({ code: 4401, reason: 'tokenRevoked' });
  socket.send(start('s1'));
  await settled();
  expect(socket.of('accepted')).toEqual([]);
});

it('a start over HTTP that was verified before is refused', async () => {
  const { relay, clock } = createCore({ isRevoked: () => true });
  const command = {
    principal: principal(ALICE, clock.now() + 1000),
    id: 's1',
    request: { action: 'chat', messages: [{ role: 'user' as const, content: 'hi' }] },
    caller: { door: 'json' as const, requestId: 'r', connectionId: null },
  };
  const sink = { bufferedBytes: 0, opened() {}, frame() {}, ended() {}, failed() {}, flush() {} };
  await expect(relay.start(command, sink)).rejects.toMatchObject({ code: 'unauthorized', cause: 'revoked' });
});

it('a fresh token that was revoked while it was looked up does not take the place of the old one', async () => {
  let isRevoked = false;
  const authenticator = {
    ...tokenTable,
    async verify(token: string) {
      const who = await tokenTable.verify(token);
      isRevoked = true;
      return who;
    },
  };
  const { connect } = createCore({ authenticator, isRevoked: () => isRevoked });
  const socket = connect();
  socket.send({ type: 'auth', token: `${ALICE}@9999999999999` });
  await settled();
  expect(socket.of('authenticated')).toEqual([]);
  expect(socket.of('error')).toMatchObject([{ code: 'unauthorized' }]);
});
