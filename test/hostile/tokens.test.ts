import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { handshake } from '../http/handshake.ts';
import { BOB, TEST_SECRET } from '../support/token-mint.ts';
import { answerOf, answerToGet } from './answer-of.ts';
import { OutcomeTable } from './outcome-table.ts';
import { ProductionRelay } from './production-relay.ts';
import { SELF_MADE_CLAIMS, TOKENS } from './token-inputs.ts';

/** The one answer to every bad token. */
const GENERIC = {
  code: 'unauthorized',
  message: 'the access token is missing, expired or not valid; sign in again to get a new one',
  retryable: false,
};
const FLOOD = 500;
const AT_ONCE = 4;

const table = new OutcomeTable();
let relay: ProductionRelay;
let trap: Server;
let trapped = 0;

const byHeader = (token: string): string => handshake({ headers: { authorization: `Bearer ${token}` } });

/** A migrating project has keys of both kinds, and so the most ways to mix them up. */
beforeAll(async () => {
  relay = await ProductionRelay.start({ SUPABASE_JWT_SECRET: TEST_SECRET });
  trap = createServer((socket) => {
    trapped += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(trap, 'listening');
});
afterEach(() => relay.unharmed());
afterAll(async () => {
  table.print();
  trap.close();
  await relay[Symbol.asyncDispose]();
});

it(`27 ${FLOOD} tokens of unknown keys cause one fetch of the key set`, async () => {
  // A relay of its own: what the flood has it fetch later would come in the midst of the other tests.
  await using flooded = await ProductionRelay.start({ SUPABASE_JWT_SECRET: TEST_SECRET });
  const before = flooded.keySet.fetches;
  const outcomes = new Set<string>();
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < FLOOD) {
      sent += 1;
      const token = flooded.token({ header: { kid: `unknown-${sent}` } });
      outcomes.add((await answerOf(flooded.port, byHeader(token))).outcome);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const got = `${[...outcomes].join(', ')}; ${flooded.keySet.fetches - before} fetch`;
  table.judge(27, `kid unknown × ${FLOOD}`, '401 unauthorized; 1 fetch', got);
});

describe('a bad token is refused in the same words at the handshake, by HTTP and in-band', () => {
  it.each(TOKENS)('$number $input → $expected', async ({ number, input, expected, token: make }) => {
    const { port } = trap.address() as AddressInfo;
    const before = relay.keySet.fetches;
    const token = relay.secrets.add(make({ mint: relay.mint, trapUrl: `http://127.0.0.1:${port}` }));

    const upgrade = await answerOf(relay.port, byHeader(token));
    const session = await answerToGet(relay.port, '/v1/session', token);
    const answer = await inBand(token);

    table.judge(number, input, expected, upgrade.outcome);
    expect(session.outcome).toBe(expected);
    const words = expected === '401 unauthorized' ? GENERIC : { code: 'forbidden', retryable: false };
    for (const { error, text } of [upgrade, session]) {
      expect(error).toMatchObject(words);
      expect(relay.secrets.in(text)).toEqual([]);
    }
    expect(answer).toMatchObject(words);
    expect(answer).not.toHaveProperty('id');
    expect(trapped, 'requests to a server that the token named').toBe(0);
    // A key that nobody knows is asked for once; nothing else of a token makes the relay ask.
    expect(relay.keySet.fetches - before).toBe(input === 'kid unknown' ? 1 : 0);
  });

  /** The answer to an `auth` frame, after which the connection goes on under its old token. */
  async function inBand(token: string): Promise<object> {
    const client = await relay.client(relay.token());
    const answered = client.refused(undefined);
    client.send(JSON.stringify({ type: 'auth', token }));
    const answer = await answered;
    const pong = client.next('pong');
    client.send({ type: 'ping', t: 'still here' });
    await pong;
    await client.close();
    return answer;
  }
});

it('40 what users write into their own metadata is ignored', async () => {
  const token = relay.secrets.add(relay.mint.token(SELF_MADE_CLAIMS));
  const { outcome } = await answerOf(relay.port, byHeader(token));
  const { text } = await answerToGet(relay.port, '/v1/session', token);
  const { tier, organizationId } = JSON.parse(text.split('\r\n\r\n')[1] ?? '') as Record<string, unknown>;
  table.judge(40, 'user_metadata.plan=admin', '101, tier null', `${outcome}, tier ${tier}`);
  expect(organizationId).toBeNull();
});

describe('in-band', () => {
  it('42 a token of another user closes with 4403', async () => {
    const client = await relay.client(relay.token());
    client.send({ type: 'auth', token: relay.token({ sub: BOB }) });
    table.judge(42, 'in-band refresh with another sub', 'close 4403', `close ${(await client.closed).code}`);
  });

  it('a fresh token of the same user is confirmed, with its expiry', async () => {
    const client = await relay.client(relay.token({ expiresIn: 60 }));
    const authenticated = client.next('authenticated');
    client.send({ type: 'auth', token: relay.token({ expiresIn: 7200 }) });
    expect((await authenticated).tokenExpiresAt).toBeGreaterThan(Date.now() + 7_000_000);
    await client.close();
  });

  it('43 an expired token is refused and the old one holds, up to 5 s behind its end', async () => {
    // Admitted for the 2 s of tolerance that are left of 5.
    const token = relay.token({ expiresIn: -3 });
    const client = await relay.client(token);
    const hello = client.answers.find((frame) => frame.type === 'hello');
    const refusal = client.refused(undefined);
    client.send(JSON.stringify({ type: 'auth', token: relay.token({ expiresIn: -10 }) }));
    table.judge(43, 'an expired refresh', 'unauthorized', (await refusal).code);
    expect(client.answers.map(({ type }) => type)).toContain('token_expiring');
    const { code } = await client.closed;
    table.judge(43, 'expiry without a refresh', 'close 4401', `close ${code}`);
    expect(Date.now()).toBeGreaterThanOrEqual((hello?.tokenExpiresAt ?? Infinity) + 5000);
  });

  it('43 a refresh in time keeps the connection past the end of the first token', async () => {
    const leaving = await relay.client(relay.token({ expiresIn: -3 }));
    const staying = await relay.client(relay.token({ expiresIn: -3 }));
    const authenticated = staying.next('authenticated');
    staying.send({ type: 'auth', token: relay.token() });
    await authenticated;
    expect(await leaving.closed).toMatchObject({ code: 4401 });
    expect(await staying.ended(staying.start())).toMatchObject({ type: 'done' });
    await staying.close();
  });
});

it('44 a revoked key: refused once the key set was read anew, also what was admitted before', async () => {
  await using own = await ProductionRelay.start();
  const old = own.token();
  expect((await answerOf(own.port, byHeader(old))).outcome).toBe('101');
  own.keySet.publish(own.mint.rotate());
  expect((await answerOf(own.port, byHeader(own.token()))).outcome).toBe('101');
  const { outcome, error } = await answerOf(own.port, byHeader(old));
  table.judge(44, 'a revoked kid', '401 unauthorized', outcome);
  expect(error).toEqual(GENERIC);
  await own.unharmed();
});
