import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorFrame } from '../../src/protocol/frames.ts';
import { closeCodeOf, textFrame } from '../http/masked-frame.ts';
import { openHandshake } from '../http/raw-client.ts';
import type { RelayClient } from '../support/relay-client.ts';
import { LONG } from '../support/test-run.ts';
import { BOB } from '../support/token-mint.ts';
import { ProductionRelay } from './production-relay.ts';

const START = { type: 'start', id: 'a-stream', action: 'chat', messages: [{ role: 'user', content: 'hi' }] };
const RESUME = { type: 'resume', id: 'a-stream', epoch: 'AAAAAAAAAAAAAAAA' };

const json = (frame: object): string => JSON.stringify(frame);
const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
/** The fields of `frame` and one more as raw JSON: what an object literal cannot say. */
const withRaw = (frame: object, raw: string): string => `${json(frame).slice(0, -1)},${raw}}`;

/** Each is answered by one error; the connection stays. */
const REFUSED: readonly (readonly [number, string, string, ErrorFrame['code']])[] = [
  [55, 'nothing', '', 'bad_request'],
  [55, 'null', 'null', 'bad_request'],
  [55, 'an array', json([START]), 'bad_request'],
  [55, 'not JSON', 'start', 'bad_request'],
  [56, 'brackets 10,000 deep', deep(10_000), 'bad_request'],
  [56, 'a context 10,000 deep', withRaw(START, `"context":{"a":${deep(10_000)}}`), 'bad_request'],
  [
    56,
    'a block 10,000 deep',
    withRaw({ ...START, messages: [] }, `"messages":${deep(10_000)}`),
    'bad_request',
  ],
  [57, '__proto__ in the frame', withRaw(START, '"__proto__":{"tier":"enterprise"}'), 'bad_request'],
  [57, '__proto__ in the context', withRaw(START, '"context":{"a":{"__proto__":{"a":1}}}'), 'bad_request'],
  [57, 'constructor in the context', withRaw(START, '"context":{"constructor":{"a":1}}'), 'bad_request'],
  [57, 'constructor as a type', json({ ...START, type: 'constructor' }), 'bad_request'],
  [57, '__proto__ as an action', json({ ...START, action: '__proto__' }), 'unknown_action'],
  [58, 'after 1e400', withRaw(RESUME, '"after":1e400'), 'bad_request'],
  [58, 'after 2^53+1', withRaw(RESUME, '"after":9007199254740993'), 'bad_request'],
  [58, 'after -1', json({ ...RESUME, after: -1 }), 'bad_request'],
  [58, 'after 1.5', json({ ...RESUME, after: 1.5 }), 'bad_request'],
  [58, 'an ack of 1e400', '{"type":"ack","id":"a-stream","seq":1e400}', 'bad_request'],
  [59, 'an unknown type', json({ ...START, type: 'begin' }), 'bad_request'],
  [59, 'an extra field', json({ ...START, temperature: 2 }), 'bad_request'],
  [60, 'an empty id', json({ ...START, id: '' }), 'bad_request'],
  [60, 'an id of 10 KB', json({ ...START, id: 'i'.repeat(10_240) }), 'bad_request'],
  [60, 'an id of control characters', json({ ...START, id: 'a\u0000\u001b[2J\r\nb' }), 'bad_request'],
  [64, 'a resume of what never was', json({ ...RESUME, after: 0 }), 'unknown_stream'],
];

let relay: ProductionRelay;
beforeAll(async () => {
  relay = await ProductionRelay.start({ MAX_STREAMS_PER_CONNECTION: '2' });
});
afterEach(() => relay.unharmed());
afterAll(() => relay[Symbol.asyncDispose]());

/** The errors a frame is answered with, up to the answer to a ping behind it. */
async function answersTo(client: RelayClient, frame: string | object): Promise<ErrorFrame[]> {
  const before = client.answers.length;
  const pong = client.next('pong');
  client.send(frame);
  client.send({ type: 'ping', t: 'behind it' });
  await pong;
  return client.answers.slice(before).filter((answer) => answer.type === 'error');
}

describe('a hostile frame is answered, and the connection goes on', () => {
  it.each(REFUSED)('%i %s', async (_number, _what, frame, code) => {
    const before = relay.simulator.requests.length;
    await using client = await relay.client(relay.token());
    const answers = await answersTo(client, frame);
    expect(answers).toMatchObject([{ code, retryable: false }]);
    expect(answers[0]?.message.length).toBeLessThan(300);
    expect(relay.simulator.requests.length).toBe(before);
  });
});

it('57 __proto__ right in the context is refused', async () => {
  await using client = await relay.client(relay.token());
  const context = '"context":{"__proto__":{"a":1}}';
  expect(await answersTo(client, withRaw({ ...START, id: 'polluting' }, context))).toMatchObject([
    { code: 'bad_request' },
  ]);
});

describe('frames that end the connection', () => {
  it('52 55 the fifth unreadable one → 4400, and of 500 starts behind it none is handled', async () => {
    const before = relay.simulator.requests.length;
    const token = relay.token();
    const client = await openHandshake(relay.port, { headers: { authorization: `Bearer ${token}` } });
    const garbage = Array<Buffer>(5).fill(textFrame('garbage'));
    const starts = Array.from({ length: 500 }, (_, index) => textFrame(json({ ...START, id: `s${index}` })));
    client.send(Buffer.concat([...garbage, ...starts]));
    expect(closeCodeOf(await client.untilClosed())).toBe(4400);
    expect(relay.simulator.requests.length).toBe(before);
  });

  it('51 frames over the rate → 4429', async () => {
    await using limited = await ProductionRelay.start({ FRAMES_PER_MINUTE: '20' });
    const client = await limited.client(limited.token());
    for (let count = 0; count < 21; count += 1) client.send(json({ type: 'cancel', id: 'nobody' }));
    expect(await client.closed).toMatchObject({ code: 4429 });
    await limited.unharmed();
  });

  if (LONG)
    it('53 no pong → 4408', { timeout: 30_000 }, async () => {
      await using eager = await ProductionRelay.start({ HEARTBEAT_MS: '500' });
      const authorization = `Bearer ${eager.token()}`;
      const silent = await openHandshake(eager.port, { headers: { authorization } });
      expect(closeCodeOf(await silent.untilClosed())).toBe(4408);
      await eager.unharmed();
    });
});

describe('frames about streams', () => {
  const endless = { model: 'sim:stall' } as const;

  it('61 the same id with another body → conflict; the first goes on to its end', async () => {
    await using client = await relay.client(relay.token());
    const first = client.start();
    await client.accepted(first);
    const conflict = client.refused('start');
    client.send({ ...first.startFrame, messages: [{ role: 'user', content: 'Something else' }] });
    expect(await conflict).toMatchObject({ code: 'conflict', id: first.id });
    expect(await client.ended(first)).toMatchObject({ type: 'done' });
  });

  it("63 a resume, cancel or ack of another user's stream → the words for one that is absent", async () => {
    await using alice = await relay.client(relay.token());
    const hers = alice.start(endless);
    const epoch = await alice.accepted(hers);
    await using bob = await relay.client(relay.token({ sub: BOB }));
    for (const frame of [{ type: 'resume', epoch, after: 0 }, { type: 'cancel' }, { type: 'ack', seq: 1 }]) {
      const foreign = await answersTo(bob, json({ ...frame, id: hers.id }));
      const absent = await answersTo(bob, json({ ...frame, id: 'absent' }));
      expect(foreign).toMatchObject([{ code: 'unknown_stream' }]);
      expect(foreign.map((answer) => ({ ...answer, id: 'absent' }))).toEqual(absent);
    }
    alice.cancel(hers);
    expect(await alice.ended(hers)).toMatchObject({ type: 'cancelled' });
  });

  it('64 a resume past the head or of another epoch → resume_gap', async () => {
    await using client = await relay.client(relay.token());
    const stream = client.start();
    await client.ended(stream);
    for (const wrong of [{ after: stream.seq + 1 }, { after: 0, epoch: 'AAAAAAAAAAAAAAAA' }]) {
      const refused = client.refused('resume');
      client.send({ type: 'resume', id: stream.id, epoch: stream.epoch, ...wrong });
      expect(await refused).toMatchObject({ code: 'resume_gap' });
    }
  });

  it('66 one stream too many → too_many_streams; the others go on', async () => {
    await using client = await relay.client(relay.token());
    const live = [client.start(endless), client.start(endless)];
    for (const stream of live) await client.accepted(stream);
    const refused = client.refused('start');
    client.start(endless);
    expect(await refused).toMatchObject({ code: 'too_many_streams', retryable: true });
    for (const stream of live) client.cancel(stream);
    for (const stream of live) expect(await client.ended(stream)).toMatchObject({ type: 'cancelled' });
  });
});
