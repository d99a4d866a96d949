/** Tokens that are short from the beginning: how many questions and frames they cost, counted. */
import { describe, expect, it } from 'vitest';
import { createCore } from '../support/core.ts';
import type { FakeSocket } from '../support/fake-socket.ts';
import { settled } from '../support/quiet.ts';
import { ScriptedRelay, type ScriptedSocket } from './scripted-relay.ts';
import { ALICE, claimsOf, tokenOf } from './users.ts';

/** What the relay answers to each `auth`; `endsAt`: of the token, Unix ms. */
type Answering = (socket: ScriptedSocket, endsAt: number) => void;

/** How many `auth` frames came, and how many fresh tokens were asked for, in that time. */
async function counted(passMs: number, getToken: (refresh: boolean) => string, answer: Answering) {
  let asked = 0;
  const relay = new ScriptedRelay({
    getToken({ refresh }) {
      asked += refresh ? 1 : 0;
      return getToken(refresh);
    },
  });
  await relay.streaming();
  const { socket } = relay;
  socket.say({ type: 'token_expiring', expiresInMs: 60_000 });
  let answered = 0;
  for (let passed = 0; passed < passMs; passed += 250) {
    await settled();
    for (; answered < socket.sentOf('auth').length; answered += 1) answer(socket, relay.clock.now() + 60_000);
    for (let pings = socket.sentOf('ping').length; pings > 0; pings -= 1) socket.say({ type: 'pong' });
    relay.clock.advance(250);
  }
  return { auths: socket.sentOf('auth').length, asked, isOpen: !socket.closed };
}

describe('a relay that warns again at once', () => {
  const warnsAgain: Answering = (socket, tokenExpiresAt) => {
    socket.say({ type: 'authenticated', tokenExpiresAt }, { type: 'token_expiring', expiresInMs: 60_000 });
  };

  it('is answered after 5 s, then after twice as long each time, then once a minute', async () => {
    const short = (): string => tokenOf(ALICE);
    expect(await counted(4_750, short, warnsAgain)).toMatchObject({ auths: 1, asked: 1 });
    expect(await counted(10_000, short, warnsAgain)).toMatchObject({ auths: 2, asked: 2 }); // at 0 and 5 s
    expect(await counted(74_750, short, warnsAgain)).toMatchObject({ auths: 4, asked: 4 }); // at 15 and 35 s
    expect(await counted(600_000, short, warnsAgain)).toEqual({ auths: 13, asked: 13, isOpen: true });
  });
});

describe('what brings no time', () => {
  it('the token that the relay has: it is not sent again, and asked for seldom', async () => {
    const token = tokenOf(ALICE);
    const { auths, asked } = await counted(
      600_000,
      () => token,
      () => {},
    );
    expect([auths, asked]).toEqual([0, 13]);
  });

  it('a fresh token that is refused: neither', async () => {
    const [first, fresh] = [tokenOf(ALICE), tokenOf(ALICE)];
    const refuses: Answering = (socket) =>
      socket.say({ type: 'error', code: 'unauthorized', message: '', retryable: false });
    const { auths, asked } = await counted(120_000, (refresh) => (refresh ? fresh : first), refuses);
    expect([auths, asked]).toEqual([1, 5]);
  });

  it('a getter that throws', async () => {
    const first = tokenOf(ALICE);
    const { auths, asked } = await counted(
      120_000,
      (refresh) => {
        if (refresh) throw new TypeError('no network');
        return first;
      },
      () => {},
    );
    expect([auths, asked]).toEqual([0, 5]);
  });
});

it('one that lasts is asked for once, and the next one has its warning at once again', async () => {
  const lasts: Answering = (socket, endsAt) =>
    socket.say({ type: 'authenticated', tokenExpiresAt: endsAt + 7_200_000 });
  expect(await counted(600_000, () => tokenOf(ALICE), lasts)).toMatchObject({ auths: 1, asked: 1 });
});

it('waking up hands in what the app has, and only once', async () => {
  const relay = new ScriptedRelay({ getToken: () => held });
  let held = tokenOf(ALICE);
  await relay.streaming();
  for (let count = 0; count < 20; count += 1) {
    relay.signal('wake');
    relay.socket.say({ type: 'pong' });
    await settled();
  }
  expect(relay.socket.sentOf('auth')).toEqual([]);
  held = tokenOf(ALICE);
  for (let count = 0; count < 20; count += 1) {
    relay.signal('wake');
    await settled();
  }
  expect(relay.socket.sentOf('auth')).toEqual([{ type: 'auth', token: held }]);
});

it('a network that comes and goes does not hurry the questions', async () => {
  let asked = 0;
  const relay = new ScriptedRelay({
    getToken({ refresh }) {
      asked += refresh ? 1 : 0;
      return tokenOf(ALICE);
    },
  });
  const stream = await relay.streaming();
  const begunAt = relay.clock.elapsed();
  for (let seq = 1; relay.clock.elapsed() - begunAt < 30_000; seq += 1) {
    relay.socket.say({ type: 'token_expiring', expiresInMs: 50_000 });
    await settled();
    const before = relay.sockets.length;
    relay.socket.end(1006);
    while (relay.sockets.length === before) await relay.pass(100, 100);
    relay.greet(50_000);
    relay.resume(stream.id, seq);
    relay.socket.say({ type: 'chunk', id: stream.id, seq: seq + 1, content: 'more' });
  }
  expect(relay.sockets.length).toBeGreaterThan(30);
  expect(asked).toBe(3); // at 0, 5 and 15 s
});

it('client and relay together: tokens of a minute cost a frame a minute, and the connection', async () => {
  const core = createCore();
  const getToken = (): string => tokenOf(ALICE, core.clock.now() + 60_000);
  const relay = new ScriptedRelay({ clock: core.clock, getToken });
  relay.ask();
  await settled();
  const peer: FakeSocket = core.connect(ALICE, 60_000);
  let [up, down] = [0, 0];
  const carry = async (): Promise<void> => {
    for (const frame of relay.socket.sent.slice(up)) {
      if (frame.type !== 'auth') peer.send(frame);
      else peer.send({ ...frame, token: `${ALICE}@${claimsOf(frame.token).exp}` });
    }
    up = relay.socket.sent.length;
    await settled();
    relay.socket.say(...peer.frames.slice(down));
    down = peer.frames.length;
    await settled();
  };
  for (let second = 0; second < 600; second += 1) {
    for (let turn = 0; turn < 3; turn += 1) await carry();
    core.clock.advance(1000);
  }
  expect(peer.closedWith).toBeUndefined();
  expect(relay.sockets).toHaveLength(1);
  expect(relay.socket.sentOf('auth')).toHaveLength(13);
  expect(peer.of('token_expiring').length).toBeLessThanOrEqual(14);
});
