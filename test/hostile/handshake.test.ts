import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SERVER_LIMITS } from '../../src/http/create-app.ts';
import { handshake } from '../http/handshake.ts';
import { frame, PING, textFrame } from '../http/masked-frame.ts';
import { openHandshake, openRaw } from '../http/raw-client.ts';
import { eventually, LONG } from '../support/test-run.ts';
import { KEY_SET_FAULTS } from '../support/token-mint.ts';
import { answerOf } from './answer-of.ts';
import { ALLOWED_ORIGIN, HANDSHAKES } from './handshake-inputs.ts';
import { OutcomeTable } from './outcome-table.ts';
import { ProductionRelay } from './production-relay.ts';

const table = new OutcomeTable();
afterAll(() => table.print());

/** All that the refused learn: a code, a sentence, whether to try again. */
const REFUSAL = { code: expect.any(String), message: expect.any(String), retryable: false };
const byHeader = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const START = JSON.stringify({
  type: 'start',
  id: 'smuggled',
  action: 'chat',
  messages: [{ role: 'user', content: 'hi' }],
});

describe('a hostile handshake', () => {
  let relay: ProductionRelay;
  beforeAll(async () => {
    relay = await ProductionRelay.start({ ALLOWED_ORIGINS: ALLOWED_ORIGIN });
  });
  afterEach(() => relay.unharmed());
  afterAll(() => relay[Symbol.asyncDispose]());

  it.each(HANDSHAKES)('$number $input → $expected', async ({ number, input, expected, request }) => {
    const { outcome, error, text } = await answerOf(relay.port, request(relay.token()));
    table.judge(number, input, expected, outcome);
    if (!outcome.startsWith('101')) expect(error).toEqual(REFUSAL);
    expect(relay.secrets.in(text)).toEqual([]);
  });

  it('21 bytes right behind the head are read once the token is found good', async () => {
    const client = await openRaw(relay.port);
    const behind = textFrame('{"type":"ping","t":"behind the head"}');
    client.send(Buffer.concat([Buffer.from(handshake(byHeader(relay.token()))), behind]));
    await client.until('behind the head');
    const [greeting, pong] = [client.text.indexOf('"hello"'), client.text.indexOf('"pong"')];
    table.judge(21, 'a frame right behind the head', 'hello, pong', greeting < pong ? 'hello, pong' : '');
    client.socket.destroy();
  });

  it('21 bytes behind the head of a bad token are never read', async () => {
    const before = relay.simulator.requests.length;
    const forged = byHeader(`${relay.token()}A`);
    const client = await openRaw(relay.port);
    client.send(Buffer.concat([Buffer.from(handshake(forged)), textFrame(START), frame({ opcode: PING })]));
    const answer = await client.untilClosed();
    const started = relay.simulator.requests.length - before;
    table.judge(
      21,
      'a start behind the head of a bad token',
      '401, 0 started',
      `${answer.slice(9, 12)}, ${started} started`,
    );
  });

  it('17 18 have 15 s at most', () => {
    const { headersTimeout, connectionsCheckingInterval } = SERVER_LIMITS;
    expect(headersTimeout + connectionsCheckingInterval).toBeLessThanOrEqual(15_000);
  });

  if (LONG)
    it('17 headers that do not end → 408', { timeout: 30_000 }, async () => {
      const client = await openRaw(relay.port);
      client.send('GET /v1/ws HTTP/1.1\r\nHost: a\r\n');
      const dripping = setInterval(() => client.send('X-Drip: 1\r\n'), 500);
      const seconds = await secondsUntil(client.untilClosed());
      clearInterval(dripping);
      table.judge(17, 'slow headers', '408 in ≤ 15 s', `${client.text.slice(9, 12)} in ${seconds}`);
    });

  if (LONG)
    it('18 a connection that says nothing → closed', { timeout: 30_000 }, async () => {
      const seconds = await secondsUntil((await openRaw(relay.port)).untilClosed());
      table.judge(18, 'TCP connect and nothing', 'closed in ≤ 15 s', `closed in ${seconds}`);
    });
});

describe('while a token is checked and the key set does not answer', () => {
  let relay: ProductionRelay;
  beforeAll(async () => {
    relay = await ProductionRelay.start();
    relay.keySet.answer(KEY_SET_FAULTS.hang);
  });
  afterAll(() => relay[Symbol.asyncDispose]());

  it('19 20 the waiting get 503, those that reset are forgotten, the known are served', async () => {
    const unknown = () => byHeader(relay.token({ header: { kid: crypto.randomUUID() } }));
    const before = relay.keySet.fetches;
    const waiting = await openRaw(relay.port);
    const answered = secondsUntil(waiting.send(handshake(unknown())).untilClosed());
    await relay.keySet.reached(before + 1);

    for (let count = 0; count < 4; count += 1) {
      const leaving = await openRaw(relay.port);
      leaving.send(Buffer.concat([Buffer.from(handshake(unknown())), textFrame(START)]));
      if (count % 2 === 0) leaving.socket.resetAndDestroy();
      else leaving.socket.destroy();
    }
    await (await relay.client(relay.token())).close();
    const seconds = await answered;
    relay.keySet.publish(relay.mint.key);
    expect(waiting.text).toMatch(/^retry-after: \d+\r$/m);
    table.judge(19, 'the token check hangs', '503 in ≤ 5 s', `${waiting.text.slice(9, 12)} in ${seconds}`);
    await relay.unharmed();
    table.judge(20, 'RST during the check', 'lives', 'lives');
  });
});

describe('limits', () => {
  it('22 handshakes of one address over the rate → 429 and when to come back', async () => {
    await using relay = await ProductionRelay.start({ UPGRADES_PER_SECOND_PER_IP: '3' });
    await nextSecond();
    const answers = [];
    for (let count = 0; count < 8; count += 1) {
      answers.push(await answerOf(relay.port, handshake(byHeader(relay.token()))));
    }
    const refused = answers.find(({ outcome }) => outcome !== '101');
    const retryAfter = refused?.headers['retry-after'] ?? 'never';
    table.judge(
      22,
      '8 handshakes at 3 a second',
      '429 rate_limited, 1 s',
      `${refused?.outcome}, ${retryAfter} s`,
    );
    expect(answers.filter(({ outcome }) => outcome === '101').length).toBeLessThan(8);
    await nextSecond();
    await relay.unharmed();
  });

  it('23 one connection too many of a user → 429; another user is served', async () => {
    await using relay = await ProductionRelay.start({ MAX_CONNECTIONS_PER_USER: '2' });
    const full = [await openHandshake(relay.port, byHeader(relay.token()))];
    full.push(await openHandshake(relay.port, byHeader(relay.token())));
    const { outcome, headers } = await answerOf(relay.port, handshake(byHeader(relay.token())));
    table.judge(23, 'connection 3 of 2', '429 too_many_connections', outcome);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    const other = relay.token({ sub: crypto.randomUUID() });
    expect((await answerOf(relay.port, handshake(byHeader(other)))).outcome).toBe('101');
    for (const { socket } of full) socket.destroy();
    await relay.unharmed();
    const again = await openHandshake(relay.port, byHeader(relay.token()));
    again.socket.destroy();
  });

  it('24 a forged X-Forwarded-For does not move the limiter', async () => {
    await using relay = await ProductionRelay.start({ MAX_CONNECTIONS_PER_IP: '2' });
    const from = (address: string) => {
      const { headers } = byHeader(relay.token());
      return { headers: { ...headers, 'x-forwarded-for': address, 'fly-client-ip': address } };
    };
    const full = [await openHandshake(relay.port, from('203.0.113.1'))];
    full.push(await openHandshake(relay.port, from('203.0.113.2')));
    const { outcome } = await answerOf(relay.port, handshake(from('203.0.113.3')));
    table.judge(24, 'forged X-Forwarded-For', '429 too_many_connections', outcome);
    for (const { socket } of full) socket.destroy();
    await eventually('closed', async () => (await relay.gauges())['connections'] === 0);
    await relay.unharmed();
  });
});

/** `≤ 15 s`, or how long it took, s. A busy machine may add half of it. */
async function secondsUntil(event: Promise<unknown>): Promise<string> {
  const begun = performance.now();
  await event;
  const seconds = (performance.now() - begun) / 1000;
  return (
    [5, 15].map((bound) => (seconds <= bound * 1.5 ? `≤ ${bound} s` : '')).find((text) => text) ??
    `${seconds} s`
  );
}

function nextSecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1100));
}
