import { describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import { handshake } from '../http/handshake.ts';
import { eventually, LONG } from '../support/test-run.ts';
import { createSigningKey, KEY_SET_FAULTS, type SigningKey, TEST_SECRET } from '../support/token-mint.ts';
import { answerOf, answerToGet } from './answer-of.ts';
import { ProductionRelay } from './production-relay.ts';

const AT_ONCE = 6;
const EACH = LONG ? 120 : 60;
const SECRET: Environment = { SUPABASE_JWT_SECRET: TEST_SECRET };

async function outcomeOf(relay: ProductionRelay, token: string): Promise<string> {
  return (await answerOf(relay.port, handshake({ headers: { authorization: `Bearer ${token}` } }))).outcome;
}

/** Handshakes of as many users, some at a time; the keys take turns. Everything that was answered. */
async function load(relay: ProductionRelay, keys: readonly SigningKey[]): Promise<Set<string>> {
  const outcomes = new Set<string>();
  let sent = 0;
  const worker = async (): Promise<void> => {
    while (sent < EACH) {
      sent += 1;
      const key = keys[sent % keys.length] ?? relay.mint.key;
      outcomes.add(await outcomeOf(relay, relay.token({ sub: crypto.randomUUID(), key })));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return outcomes;
}

describe('which keys count is said by the environment alone', () => {
  const es256 = createSigningKey('ES256');
  const hs256 = createSigningKey('HS256');

  it.each<[string, Environment, SigningKey, string, string]>([
    ['a new project: the key set', {}, es256, '101', '401 unauthorized'],
    ['a migrating one: both', SECRET, es256, '101', '101'],
    ['a legacy one: the secret, with an empty key set', SECRET, hs256, '401 unauthorized', '101'],
  ])('%s', async (_project, environment, key, bySet, bySecret) => {
    await using relay = await ProductionRelay.start(environment, key);
    expect(await outcomeOf(relay, relay.token({ key: es256 }))).toBe(bySet);
    expect(await outcomeOf(relay, relay.token({ key: hs256 }))).toBe(bySecret);
    expect(await outcomeOf(relay, relay.token({ key: { ...hs256, secret: `${TEST_SECRET}!` } }))).toBe(
      '401 unauthorized',
    );
    await relay.unharmed();
  });
});

describe('rotation', () => {
  it('under load refuses no good token, and costs one fetch', async () => {
    await using relay = await ProductionRelay.start({ MAX_CONNECTIONS: '100' });
    const old = relay.mint.key;
    expect(await load(relay, [old])).toEqual(new Set(['101']));
    const before = relay.keySet.fetches;
    const during = load(relay, [old]);
    const next = relay.mint.rotate();
    relay.keySet.publish(old, next);
    expect(await load(relay, [old, next])).toEqual(new Set(['101']));
    expect(await during).toEqual(new Set(['101']));
    relay.keySet.publish(next);
    expect(await load(relay, [next])).toEqual(new Set(['101']));
    expect(relay.keySet.fetches - before).toBe(1);
    await relay.unharmed();
  });

  it('while the key set fails is no fault of the token: 503 and when to come back, then 101', async () => {
    await using relay = await ProductionRelay.start();
    const old = relay.mint.key;
    relay.keySet.answer(KEY_SET_FAULTS.fail);
    const next = relay.mint.rotate('RS256');
    const request = handshake({ headers: { authorization: `Bearer ${relay.token()}` } });
    const { outcome, headers } = await answerOf(relay.port, request);
    expect(outcome).toBe('503 unavailable');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(await outcomeOf(relay, relay.token({ key: old }))).toBe('101');
    expect((await answerOf(relay.port, request)).outcome).toBe('503 unavailable');
    relay.keySet.publish(next);
    const outcomes = new Set<string>();
    await eventually('the new key set is read', async () => {
      outcomes.add((await answerOf(relay.port, request)).outcome);
      return outcomes.has('101');
    });
    expect(outcomes).toEqual(new Set(['503 unavailable', '101']));
    expect(await outcomeOf(relay, relay.token({ key: old }))).toBe('401 unauthorized');
  });
});

describe('anonymous users', () => {
  const anonymous = { claims: { is_anonymous: true } };

  it('are admitted where ALLOW_ANONYMOUS says so, and known as such', async () => {
    await using relay = await ProductionRelay.start({ ALLOW_ANONYMOUS: 'true' });
    const token = relay.token(anonymous);
    expect(await outcomeOf(relay, token)).toBe('101');
    expect((await answerToGet(relay.port, '/v1/session', token)).text).toContain('"anonymous":true');
    const forged = relay.token({ ...anonymous, key: createSigningKey('ES256', relay.mint.key.kid) });
    expect(await outcomeOf(relay, forged)).toBe('401 unauthorized');
    await relay.unharmed();
  });
});
