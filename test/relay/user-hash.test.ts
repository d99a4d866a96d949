/** What the model's vendor is told of a user: by USER_ID_KEY nothing that anybody else could compute. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../../src/config/environment.ts';
import { userHashBy } from '../../src/run/user-hash.ts';
import { connectClient } from '../support/relay-client.ts';
import { startRelay, startSimulatedRelay, upstreamAt, userId } from '../support/relay-process.ts';

const KEY = 'f3Kq9v-Zt7Lw2Xy8Rb4Nc6Jd1Hg5Sa0Pe';
const OTHER = 'u8Wm2c-Qh5Tz9Lx3Vb7Nk1Jr6Gd4Fs0Ya';

describe('the id of a user', () => {
  it('is the same for one key, on every machine and after every start', () => {
    expect(userHashBy(KEY)(userId(1))).toBe(userHashBy(KEY)(userId(1)));
    const expected = createHmac('sha256', KEY)
      .update(`dash-relay:${userId(1)}`)
      .digest('hex')
      .slice(0, 32);
    expect(userHashBy(KEY)(userId(1))).toBe(expected);
  });

  it('differs by key and by user, and without a key is what it was before there was one', () => {
    const ids = [userHashBy(KEY), userHashBy(OTHER), userHashBy(undefined)].flatMap((hash) => [
      hash(userId(1)),
      hash(userId(2)),
    ]);
    expect(new Set(ids).size).toBe(6);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(userHashBy(undefined)(userId(1))).toBe('9f9877f1db8fb40c24c8225493900add');
  });
});

it('the model is told it, and no log says key or id', async () => {
  const told: (string | null)[] = [];
  for (const USER_ID_KEY of [KEY, OTHER]) {
    await using relay = await startSimulatedRelay({}, { USER_ID_KEY });
    await using client = await connectClient({ url: relay.url, token: await relay.token(1) });
    await client.ended(client.start());
    const id = relay.simulator.requests[0]?.userHash ?? null;
    expect(id).toBe(userHashBy(USER_ID_KEY)(userId(1)));
    told.push(id);
    const log = relay.logText.join('');
    for (const secret of [USER_ID_KEY, String(id)]) expect(log).not.toContain(secret);
    expect(log).toContain('"USER_ID_KEY":"set"');
  }
  expect(new Set(told).size).toBe(2);
});

describe('USER_ID_KEY', () => {
  const production = {
    ...upstreamAt('http://127.0.0.1:1'),
    DASH_DEVELOPMENT: undefined,
    NODE_ENV: 'production',
    SUPABASE_URL: 'http://127.0.0.1:1',
    METRICS_PORT: '0',
    DRAIN_MS: '1',
  };
  const MISSING =
    "USER_ID_KEY is not set: who has a list of user ids can tell whose the model API's `metadata.user_id` is";

  it('is missed in production by a line of the start, and only there', async () => {
    await using without = await startRelay(production);
    expect(without.logLines.filter(({ msg }) => msg === MISSING)).toHaveLength(1);
    await using keyed = await startRelay({ ...production, USER_ID_KEY: KEY });
    await using development = await startRelay();
    for (const relay of [keyed, development])
      expect(relay.logLines.filter(({ msg }) => msg === MISSING)).toEqual([]);
  });

  it.each([
    ['short', 'must have 32 characters or more'],
    ['with a space that no key has, long as it is', 'must be printable ASCII without spaces'],
    ['change-me-change-me-change-me-change-me', 'is published as an example, or easily guessed'],
    ['a'.repeat(40), 'is published as an example, or easily guessed'],
  ])('%j is refused, and not repeated', (value, says) => {
    const read = () => readConfig({ ...production, USER_ID_KEY: value });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(`USER_ID_KEY: ${says}`);
    expect(read).not.toThrow(value);
  });
});
