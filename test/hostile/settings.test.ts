import { describe, expect, it } from 'vitest';
import { ConfigError, type Environment, readConfig } from '../../src/config/environment.ts';
import { ask } from '../support/http-doors.ts';
import { startInVain } from '../support/start-in-vain.ts';
import { TEST_SECRET } from '../support/token-mint.ts';
import { ProductionRelay } from './production-relay.ts';

const EXIT_CONFIG = 78;
/** One of each kind: without users' keys, where others reach it, and with a key of its own. */
const AS_PROCESSES = ['in production', 'on every address', 'with a secret and no issuer'];
const API_KEY = 'sk-ant-test-key-of-no-account';

const REFUSED: readonly [where: string, environment: Environment, saying: RegExp][] = [
  [
    'in production',
    { NODE_ENV: 'production', ANTHROPIC_API_KEY: API_KEY },
    /SUPABASE_URL: missing;.*NODE_ENV is production/,
  ],
  [
    'in production on loopback',
    { NODE_ENV: 'production', ANTHROPIC_API_KEY: API_KEY, HOST: '127.0.0.1' },
    /SUPABASE_URL: missing;.*NODE_ENV is production/,
  ],
  ['on every address', { HOST: '0.0.0.0' }, /SUPABASE_URL: missing;.*HOST is not loopback/],
  ['on every IPv6 address', { HOST: '::' }, /SUPABASE_URL: missing;.*HOST is not loopback/],
  ['on a name that only looks like loopback', { HOST: 'localhost.example' }, /HOST is not loopback/],
  ['on a Fly machine', { FLY_MACHINE_ID: 'e28650a9' }, /SUPABASE_URL: missing;.*Fly machine/],
  ['on anything of Fly', { FLY_APP_NAME: 'dash-relay', HOST: '127.0.0.1' }, /Fly machine/],
  ['with a secret and no issuer', { SUPABASE_JWT_SECRET: TEST_SECRET }, /SUPABASE_JWT_ISSUER: missing/],
  [
    'with a key set over http beyond loopback',
    { NODE_ENV: 'production', ANTHROPIC_API_KEY: API_KEY, SUPABASE_URL: 'http://project.supabase.co' },
    /SUPABASE_URL: must be https in production/,
  ],
];

describe('the relay never is its own issuer where others could reach it', () => {
  it.each(REFUSED)('%s: says why', (_where, environment, saying) => {
    const message = messageOf(environment);
    expect(message).toMatch(saying);
    for (const secret of [API_KEY, TEST_SECRET]) expect(message).not.toContain(secret);
  });

  it.each(REFUSED.filter(([where]) => AS_PROCESSES.includes(where)))(
    '%s: ends with 78',
    async (_where, environment, saying) => {
      const { code, output } = await startInVain(environment);
      expect(output).toMatch(saying);
      expect(code).toBe(EXIT_CONFIG);
      for (const secret of [API_KEY, TEST_SECRET]) expect(output).not.toContain(secret);
    },
  );
});

function messageOf(environment: Environment): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'it would start';
}

it('in production no door of development is open: no tokens, no demo, no metrics in public', async () => {
  await using relay = await ProductionRelay.start();
  const { url } = relay.process;
  const loopback = { host: 'localhost' };
  const minting = { method: 'POST', body: {}, headers: loopback };
  expect((await ask(`${url}/dev/token`, minting)).status).toBe(404);
  for (const path of ['/', '/index.html', '/metrics', '/stats']) {
    expect((await ask(`${url}${path}`, { headers: loopback })).status, path).toBe(404);
  }
  await relay.unharmed();
});
