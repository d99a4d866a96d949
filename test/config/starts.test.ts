/** Which environments start a relay, which do not and in which words, and what of development is open where they do. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { composeRelay } from '../../src/compose/compose.ts';
import { ConfigError, type Environment, readConfig } from '../../src/config/environment.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { exchange, parseAnswer } from '../http/raw-client.ts';
import { startInVain } from '../support/start-in-vain.ts';
import { TEST_SECRET } from '../support/token-mint.ts';

const PRINTS = process.env['DASH_PRINT_TABLE'] === '1';
const rows: string[] = ['| environment | outcome |', '|---|---|'];
const tell = (environment: Environment, outcome: string): void => {
  const keys = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  rows.push(`| ${keys.join(' ').replace(/127\.0\.0\.1:\d+/, '127.0.0.1:…') || '(nothing)'} | ${outcome} |`);
};
afterAll(() => {
  if (PRINTS) process.stdout.write(`${rows.join('\n')}\n`);
});

const KEY = { ANTHROPIC_API_KEY: 'sk-ant-key-of-no-account' };
const USERS = { SUPABASE_JWT_SECRET: TEST_SECRET, SUPABASE_JWT_ISSUER: 'https://project.example/auth/v1' };
const PROJECT = { SUPABASE_URL: 'https://project.supabase.co' };
const PRODUCTION = { NODE_ENV: 'production', ...KEY, ...PROJECT };
const secret = (value: string) => ({ SUPABASE_JWT_SECRET: value, SUPABASE_JWT_ISSUER: 'https://me.example' });
const DEMO_SECRETS = [
  'super-secret-jwt-token-with-at-least-32-characters-long',
  'your-super-secret-jwt-token-with-at-least-32-characters-long',
  'your-256-bit-secret-your-256-bit-secret',
  'a-string-secret-at-least-256-bits-long',
  'reallyreallyreallyreallyverysafe',
  'only-for-this-computer-0123456789abcdef',
  'change-me-change-me-change-me-change-me',
  '00000000000000000000000000000000',
  'abcabcabcabcabcabcabcabcabcabcabcabc',
];

const REFUSED: [environment: Environment, saying: RegExp][] = [
  [KEY, /^SUPABASE_URL: missing.*ANTHROPIC_API_KEY is set, so answers cost money.*DASH_DEVELOPMENT=1/],
  [{ ...KEY, DASH_DEVELOPMENT: '0' }, /^SUPABASE_URL: missing.*DASH_DEVELOPMENT=1/],
  [{ ...KEY, DASH_DEVELOPMENT: '1', HOST: '0.0.0.0' }, /^SUPABASE_URL: missing.*HOST is not loopback/],
  [{ ...KEY, DASH_DEVELOPMENT: '1', TRUST_PROXY: '127.0.0.1' }, /^SUPABASE_URL: missing.*TRUST_PROXY/],
  [{ DASH_DEVELOPMENT: '1', FLY_APP_NAME: 'relay' }, /^SUPABASE_URL: missing.*Fly machine/],
  [{ TRUST_PROXY: '127.0.0.1/32' }, /^SUPABASE_URL: missing.*TRUST_PROXY says that a proxy brings others/],
  [{ TRUST_PROXY: 'fly' }, /^SUPABASE_URL: missing.*TRUST_PROXY/],
  [{ SUPABASE_JWT_AUDIENCE: 'app' }, /^SUPABASE_JWT_AUDIENCE: names an issuer without its keys/],
  [{ ...PRODUCTION, DASH_DEVELOPMENT: '1' }, /^DASH_DEVELOPMENT: is not for production/],
  [{ NODE_ENV: 'production', ...KEY, DASH_DEVELOPMENT: '1' }, /^SUPABASE_URL: missing.*NODE_ENV/m],
  [{ ...PRODUCTION, SUPABASE_JWKS_URL: 'http://keys.example/jwks' }, /^SUPABASE_JWKS_URL: must be https/],
  [{ ...PRODUCTION, ANTHROPIC_BASE_URL: 'http://gateway.example' }, /^ANTHROPIC_BASE_URL: must be https/],
  [{ ...PRODUCTION, ANTHROPIC_BASE_URL: 'http://10.0.0.7:4000' }, /^ANTHROPIC_BASE_URL: must be https/],
  ...[
    'postgres://u:p@db.example/app',
    'postgres://u:p@db.example/app?sslmode=disable',
    'postgres://u:p@db.example/app?ssl=0',
    'postgres://u:p@127.0.0.1/app?host=db.example',
    'postgres://u:p@10.1.2.3/app?application_name=relay',
  ].map((url): [Environment, RegExp] => [
    { ...PRODUCTION, DATABASE_URL: url },
    /^DATABASE_URL: must have TLS in production: add sslmode=verify-full/,
  ]),
  [{ ...PRODUCTION, PGSSLMODE: 'disable', DATABASE_URL: 'postgres://db.example/app' }, /^DATABASE_URL: must/],
  [{ ...PRODUCTION, DATABASE_MIGRATION_URL: 'postgres://db.example/app' }, /^DATABASE_MIGRATION_URL: must/],
  ...['0.0.0.0/0', '::/0', '10.0.0.0/8,0.0.0.0/1', '2000::/3', '::ffff:0:0/96', '::ffff:0.0.0.0/97'].map(
    (cidrs): [Environment, RegExp] => [
      { ...PRODUCTION, TRUST_PROXY: cidrs },
      /^TRUST_PROXY: trusts the word of anybody/,
    ],
  ),
  ...DEMO_SECRETS.flatMap((value): [Environment, RegExp][] => [
    [
      { NODE_ENV: 'production', ...KEY, ...secret(value) },
      /^SUPABASE_JWT_SECRET: is published as an example/,
    ],
    [{ HOST: '0.0.0.0', ...KEY, ...secret(value) }, /^SUPABASE_JWT_SECRET: is published as an example/],
  ]),
  [{ ...PRODUCTION, ANTHROPIC_API_KEY: 'sk-ant-...' }, /^ANTHROPIC_API_KEY: is a placeholder/],
  [{ ANTHROPIC_API_KEY: 'your-api-key', ...USERS }, /^ANTHROPIC_API_KEY: is a placeholder/],
  [{ ...PRODUCTION, ANTHROPIC_API_KEY: '<key>' }, /^ANTHROPIC_API_KEY: is a placeholder/],
  [{ SUPABASE_URL: 'https://your-project.supabase.co' }, /^SUPABASE_URL: is a placeholder/],
  [{ SUPABASE_URL: 'https://<project>.supabase.co' }, /^SUPABASE_URL: must be an http/],
  [
    { ...PRODUCTION, DATABASE_URL: 'postgres://u:[YOUR-PASSWORD]@db.example/app?sslmode=require' },
    /^DATABASE_URL: its password is published/,
  ],
  [
    {
      ...PRODUCTION,
      DATABASE_URL:
        'postgres://u:your-super-secret-and-long-postgres-password@db.example/app?sslmode=require',
    },
    /^DATABASE_URL: its password is published/,
  ],
];

describe('a start that is refused', () => {
  it.each(REFUSED)('%j', (environment, saying) => {
    let problems: readonly string[] = [];
    try {
      readConfig(environment);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems = error.problems;
    }
    tell(environment, `78: ${problems.join('; ')}`);
    expect(problems.join('\n')).toMatch(saying);
    for (const value of Object.values(environment))
      if (value !== undefined && value.length > 20) expect(problems.join('\n')).not.toContain(value);
  });

  it.each(REFUSED.slice(0, 1))('ends with 78: %j', async (environment, saying) => {
    const { code, output } = await startInVain(environment);
    expect(output).toMatch(new RegExp(saying.source.replace('^', '^ *'), 'm'));
    expect(code).toBe(78);
  });
});

describe('what may be so is not stood in the way of', () => {
  it.each<[Environment]>([
    [{ ...PRODUCTION, DATABASE_URL: 'postgres://u:p@db.example/app?sslmode=verify-full' }],
    [{ ...PRODUCTION, DATABASE_URL: 'postgres://u:p@db.example/app?ssl=true' }],
    [{ ...PRODUCTION, DATABASE_URL: 'postgres://u:p@db.example/app', PGSSLMODE: 'verify-full' }],
    [{ ...PRODUCTION, DATABASE_URL: 'postgres://u:p@localhost/app' }],
    [{ ...PRODUCTION, DATABASE_URL: 'postgres:///app?host=/run/postgresql' }],
    [{ ...PRODUCTION, DATABASE_URL: 'postgres://u:p@[::1]:5432/app' }],
    [{ ...PRODUCTION, ANTHROPIC_BASE_URL: 'http://127.0.0.1:4000' }],
    [{ ...PRODUCTION, ANTHROPIC_BASE_URL: 'https://gateway.example' }],
    [{ ...PRODUCTION, TRUST_PROXY: '10.0.0.0/8, fc00::/7, 127.0.0.1, ::ffff:10.0.0.0/104' }],
    [{ NODE_ENV: 'production', ...KEY, ...secret('Xb3+9fQk/7TzLw0pVhN2yRs5uGcJm8eA4dKi6oWq1tE=') }],
    [{ NODE_ENV: 'production', ...KEY, ...secret('3f9a17c4e2b8d065f1a9c7e34b2d80569e1fa3c7') }],
    // As `supabase start` has it, on one's own computer.
    [secret('super-secret-jwt-token-with-at-least-32-characters-long')],
    [{ ...KEY, ...secret('super-secret-jwt-token-with-at-least-32-characters-long') }],
    // As docker-compose.yml has it, where a simulated model answers.
    [{ HOST: '0.0.0.0', ...secret('only-for-this-computer-0123456789abcdef') }],
  ])('%j', (environment) => {
    expect(() => readConfig(environment)).not.toThrow();
    tell(environment, 'starts');
  });
});

/** Forwarding headers of proxies and tunnels, and what nginx does where it is told nothing. */
const THROUGH_A_PROXY = [
  'X-Forwarded-For: 203.0.113.9',
  'X-Forwarded-Host: relay.example',
  'x-forwarded-proto: https',
  'Forwarded: for=203.0.113.9',
  'Via: 1.1 proxy',
  'X-Real-IP: 203.0.113.9',
  'Fly-Client-IP: 203.0.113.9',
  'Fly-Forwarded-Proto: https',
  'CF-Connecting-IP: 203.0.113.9',
  'CF-Ray: 1',
  'True-Client-IP: 203.0.113.9',
  'X-Forwarded-For:',
];

async function doors(port: number, header = 'X-Nothing: 1', version = '1.1'): Promise<string> {
  const statuses: string[] = [];
  for (const door of ['GET /', 'GET /metrics', 'POST /dev/token']) {
    const head = `${door} HTTP/${version}\r\nHost: 127.0.0.1:${port}\r\n${header}\r\nConnection: close\r\n`;
    const { status } = parseAnswer(await exchange(port, `${head}Content-Length: 0\r\n\r\n`));
    statuses.push(`${door.split(' ')[1]} ${status}`);
  }
  return statuses.join(', ');
}

describe('a start that succeeds', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'starts-'));
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator();
  });
  afterAll(async () => {
    await simulator.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const ALL = '/ 200, /metrics 200, /dev/token 200';
  const NONE = '/ 404, /metrics 404, /dev/token 404';
  const CASES: [environment: () => Environment, open: string][] = [
    [() => ({}), ALL],
    [() => ({ NODE_ENV: 'test' }), ALL],
    [() => ({ DASH_DEVELOPMENT: '1' }), ALL],
    [() => ({ ...KEY, DASH_DEVELOPMENT: '1', ANTHROPIC_BASE_URL: simulator.url }), ALL],
    [() => USERS, '/ 200, /metrics 200, /dev/token 404'],
    [() => ({ ...USERS, ...KEY, ANTHROPIC_BASE_URL: simulator.url }), '/ 200, /metrics 200, /dev/token 404'],
    [() => ({ ...USERS, DASH_DEVELOPMENT: '1' }), '/ 200, /metrics 200, /dev/token 404'],
    [() => ({ ...USERS, HOST: '0.0.0.0', METRICS_PORT: '0' }), NONE],
    [() => ({ ...USERS, HOST: '0.0.0.0', METRICS_PORT: '0', DASH_DEVELOPMENT: '1' }), NONE],
    [() => ({ ...USERS, TRUST_PROXY: '127.0.0.1/32', METRICS_PORT: '0' }), NONE],
    [() => ({ ...USERS, FLY_APP_NAME: 'relay', METRICS_PORT: '0' }), NONE],
    [
      () => ({
        ...USERS,
        ...KEY,
        NODE_ENV: 'production',
        METRICS_PORT: '0',
        ANTHROPIC_BASE_URL: simulator.url,
      }),
      NONE,
    ],
  ];

  it.each(CASES)(
    'case %# opens what is meant, and nothing for who comes through a proxy',
    async (given, open) => {
      const environment = given();
      const settings = { PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'silent', ...environment };
      const relay = await composeRelay(readConfig(settings));
      await relay.start();
      try {
        const port = Number(new URL(relay.url).port);
        const proxied = open.replaceAll('200', '403');
        tell(environment, `starts: ${open}; through a proxy: ${proxied}`);
        expect(await doors(port)).toBe(open);
        for (const header of THROUGH_A_PROXY) expect(await doors(port, header), header).toBe(proxied);
        expect(await doors(port, 'X-Nothing: 1', '1.0'), 'HTTP/1.0').toBe(proxied);
      } finally {
        await relay.close();
      }
    },
  );
});
