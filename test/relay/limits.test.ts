import { beforeEach, describe, expect, it } from 'vitest';
import { BOB, type Core, createCore, start } from '../support/core.ts';
import type { FakeSocket } from '../support/fake-socket.ts';
import { settled } from '../support/quiet.ts';

describe('frames', () => {
  it.each(['', 'null', '[]', '7', '{', '{"type":"nope"}', '{"type":"start","id":""}', '['.repeat(10_000)])(
    'answers an unreadable one with bad_request and stays open: %s',
    async (text) => {
      const { connect } = createCore();
      const socket = connect();
      socket.send(text);
      await settled();
      expect(socket.of('error')).toMatchObject([{ code: 'bad_request', retryable: false }]);
      expect(socket.closedWith).toBeUndefined();
    },
  );

  it('closes with 4400 at the fifth unreadable one within a minute, after answering it', async () => {
    const { connect, clock } = createCore();
    const socket = connect();
    for (let frame = 0; frame < 4; frame += 1) socket.send('garbage');
    clock.advance(130_000);
    for (let frame = 0; frame < 4; frame += 1) socket.send('garbage');
    expect(socket.closedWith).toBeUndefined();
    socket.send('garbage');
    await settled();
    expect(socket.of('error')).toHaveLength(9);
    expect(socket.closedWith).toMatchObject({ code: 4400 });
  });

  it('handles none of what arrives behind a violation', async () => {
    const { connect, upstream } = createCore();
    const socket = connect();
    for (let frame = 0; frame < 5; frame += 1) socket.send('garbage');
    for (let frame = 0; frame < 500; frame += 1) socket.send(start(`s${frame}`));
    await settled();
    expect(upstream.calls).toHaveLength(0);
    expect(socket.of('accepted')).toHaveLength(0);
  });

  it('closes with 4429 over framesPerMinute', async () => {
    const { connect } = createCore({ limits: { streams: 16, frameBytes: 1, framesPerMinute: 10 } });
    const socket = connect();
    for (let frame = 0; frame < 10; frame += 1) socket.send({ type: 'cancel', id: 'x' });
    expect(socket.closedWith).toBeUndefined();
    socket.send({ type: 'cancel', id: 'x' });
    expect(socket.closedWith).toMatchObject({ code: 4429 });
  });

  it('does not count ack, ping and resume, up to 50 a second', async () => {
    const { connect, clock } = createCore({ limits: { streams: 16, frameBytes: 1, framesPerMinute: 1 } });
    const socket = connect();
    for (let second = 0; second < 20; second += 1) {
      for (let frame = 0; frame < 40; frame += 1) {
        socket.send({ type: 'ping', t: frame });
        clock.advance(25);
      }
    }
    await settled();
    expect(socket.closedWith).toBeUndefined();
    expect(socket.of('pong')).toHaveLength(800);
    for (let frame = 0; frame < 60; frame += 1) socket.send({ type: 'ping' });
    expect(socket.closedWith).toMatchObject({ code: 4429 });
  });
});

describe('acks', () => {
  let core: Core;
  let socket: FakeSocket;

  beforeEach(async () => {
    core = createCore({ limits: { streams: 16, frameBytes: 1, framesPerMinute: 10 } });
    socket = core.connect();
    socket.send(start('s1'));
    await settled();
  });

  const ack = (seq: number, id = 's1') => socket.send({ type: 'ack', id, seq });
  const say = async (deltas: number) => {
    for (let delta = 0; delta < deltas; delta += 1) {
      core.upstream.last.text('word ');
      await settled();
    }
  };

  it.each([1, 5, 100_000])(
    'past the head by %d: the fifth within a minute closes with 4400',
    async (past) => {
      await say(40);
      for (let count = 0; count < 4; count += 1) ack(40 + past);
      expect(socket.closedWith).toBeUndefined();
      for (let count = 0; count < 1000; count += 1) ack(40 + past);
      await settled();
      expect(socket.closedWith).toMatchObject({ code: 4400 });
      expect(socket.of('error')).toHaveLength(5);
      expect(core.observed.filter(({ kind }) => kind === 'refused')).toHaveLength(5);
    },
  );

  it('past the head now and then are forgiven', async () => {
    await say(1);
    for (let minute = 0; minute < 10; minute += 1) {
      ack(9);
      core.clock.advance(20_000);
      socket.send({ type: 'ping' });
      ack(1);
      core.clock.advance(20_000);
    }
    expect(socket.closedWith).toBeUndefined();
  });

  it('of streams that are not there close with 4429', () => {
    for (let count = 0; count < 100; count += 1) ack(1, 'nobody');
    expect(socket.closedWith).toMatchObject({ code: 4429 });
    expect(core.observed.filter(({ kind }) => kind === 'refused').length).toBeLessThan(12);
  });

  it('of each delta count in no rate: what was sent bounds them', async () => {
    await say(300);
    for (let seq = 1; seq <= 300; seq += 1) ack(seq);
    await settled();
    expect(socket.closedWith).toBeUndefined();
    expect(socket.of('error')).toEqual([]);
  });

  it('again, or lower, are ignored; more than 50 a second are too many', async () => {
    await say(5);
    ack(5);
    for (let count = 0; count < 40; count += 1) ack(5 - (count % 3));
    await settled();
    expect(socket.closedWith).toBeUndefined();
    expect(socket.of('error')).toEqual([]);
    for (let count = 0; count < 40; count += 1) ack(5);
    expect(socket.closedWith).toMatchObject({ code: 4429 });
  });

  it('of what was not sent here yet do not hide what is outstanding', async () => {
    socket.stalled = true;
    await say(1);
    ack(1);
    await say(20);
    ack(10);
    socket.drain();
    await settled();
    core.clock.advance(35_000);
    expect(socket.closedWith).toMatchObject({ code: 4503 });
  });
});

describe('heartbeat', () => {
  it('pings, and closes with 4408 when no pong comes within 10 s', () => {
    const { connect, clock } = createCore();
    const socket = connect();
    clock.advance(25_050);
    expect(socket.pings).toBe(1);
    socket.answersPings = false;
    clock.advance(25_050);
    expect(socket.pings).toBe(2);
    clock.advance(9_000);
    expect(socket.closedWith).toBeUndefined();
    clock.advance(1_100);
    expect(socket.closedWith).toMatchObject({ code: 4408 });
  });
});

describe('the token of a connection', () => {
  it('is warned about a minute before it ends, and closes with 4401 five seconds after', async () => {
    const { connect, clock } = createCore();
    const socket = connect(undefined, 100_000);
    clock.advance(39_000);
    await settled();
    expect(socket.of('token_expiring')).toHaveLength(0);
    clock.advance(2_000);
    await settled();
    expect(socket.of('token_expiring')[0]?.expiresInMs).toBeLessThanOrEqual(60_000);
    clock.advance(60_000);
    expect(socket.closedWith).toBeUndefined();
    clock.advance(4_200);
    expect(socket.closedWith).toMatchObject({ code: 4401 });
  });

  it('is replaced in-band by a fresh one of the same user', async () => {
    const { connect, clock } = createCore({ heartbeatMs: 1_000_000_000 });
    const socket = connect(undefined, 100_000);
    const expiresAt = clock.now() + 500_000;
    socket.send({ type: 'auth', token: `11111111-1111-4111-8111-111111111111@${expiresAt}` });
    await settled();
    expect(socket.of('authenticated')).toEqual([{ type: 'authenticated', tokenExpiresAt: expiresAt }]);
    clock.advance(400_000);
    expect(socket.closedWith).toBeUndefined();
    clock.advance(110_000);
    expect(socket.closedWith).toMatchObject({ code: 4401 });
  });

  describe('warns once per token, and never right behind an `auth`', () => {
    const USER = '11111111-1111-4111-8111-111111111111';
    const handIn = async (core: ReturnType<typeof createCore>, socket: FakeSocket, leftMs: number) => {
      socket.send({ type: 'auth', token: `${USER}@${core.clock.now() + leftMs}` });
      await settled();
    };

    it.each([
      ['the same token', 30_000],
      ['one that ends earlier', 20_000],
      ['one that ends a moment later', 30_010],
      ['one of a minute', 60_000],
    ])('that hands in %s', async (_what, leftMs) => {
      const core = createCore();
      const socket = core.connect(undefined, 30_000);
      await settled();
      expect(socket.of('token_expiring')).toHaveLength(1);
      for (let count = 0; count < 20; count += 1) await handIn(core, socket, leftMs);
      expect(socket.of('authenticated')).toHaveLength(20);
      expect(socket.of('token_expiring')).toHaveLength(1);
    });

    it('that hands in a short one for a long one: it is warned about halfway', async () => {
      const core = createCore();
      const socket = core.connect(undefined, 3_600_000);
      await handIn(core, socket, 20_000);
      expect(socket.of('token_expiring')).toHaveLength(0);
      core.clock.advance(10_100);
      await settled();
      expect(socket.of('token_expiring')).toHaveLength(1);
      expect(socket.of('token_expiring')[0]?.expiresInMs).toBeLessThanOrEqual(10_000);
      core.clock.advance(10_000 + 5_100);
      expect(socket.closedWith).toMatchObject({ code: 4401 });
    });

    it('so that short tokens in a row are warned about twice in their time', async () => {
      const core = createCore({ heartbeatMs: 1_000_000_000 });
      const socket = core.connect(undefined, 40_000);
      let answered = 0;
      for (let second = 0; second < 600; second += 1) {
        await settled();
        for (; answered < socket.of('token_expiring').length; answered += 1)
          await handIn(core, socket, 60_000);
        core.clock.advance(1000);
      }
      expect(answered).toBeLessThanOrEqual(21);
      expect(answered).toBeGreaterThanOrEqual(19);
      expect(socket.closedWith).toBeUndefined();
    });
  });

  it.each([
    ['a bad one: the old one holds', 'garbage', 'unauthorized'],
    ['keys that cannot be had: the old one holds', 'unavailable@1', 'internal'],
  ])('%s', async (_name, token, code) => {
    const { connect } = createCore();
    const socket = connect();
    socket.send({ type: 'auth', token });
    await settled();
    expect(socket.of('error')).toMatchObject([{ code }]);
    expect(socket.of('error')[0]).not.toHaveProperty('id');
    expect(socket.closedWith).toBeUndefined();
  });

  it('of another user closes with 4403', async () => {
    const { connect, clock } = createCore();
    const socket = connect();
    socket.send({ type: 'auth', token: `${BOB}@${clock.now() + 500_000}` });
    await settled();
    expect(socket.closedWith).toMatchObject({ code: 4403 });
  });
});
