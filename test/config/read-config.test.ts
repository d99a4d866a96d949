import { describe, expect, it } from 'vitest';
import { ConfigError, type Environment, readConfig } from '../../src/config/environment.ts';

const SECRET = 'a-shared-secret-of-more-than-32-characters';
const PRODUCTION = {
  NODE_ENV: 'production',
  ANTHROPIC_API_KEY: 'sk-ant-canary',
  SUPABASE_URL: 'https://project.supabase.co',
};

function problems(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('readConfig', () => {
  it('needs nothing in development', () => {
    const config = readConfig({});
    expect(config).toMatchObject({ PORT: 8787, HOST: '127.0.0.1', DRAIN_MS: 2000, production: false });
    expect(config.auth).toEqual({ kind: 'development' });
    expect(config.explicit.size).toBe(0);
  });

  it('has other defaults in production', () => {
    const config = readConfig(PRODUCTION);
    expect(config).toMatchObject({
      HOST: '0.0.0.0',
      DRAIN_MS: 270_000,
      METRICS_PORT: 9091,
      production: true,
    });
  });

  it('takes empty and blank text as unset, and trims the rest', () => {
    expect(readConfig({ PORT: '', HEARTBEAT_MS: '  ', MAX_CONNECTIONS: ' 5 ' })).toMatchObject({
      PORT: 8787,
      HEARTBEAT_MS: 25_000,
      MAX_CONNECTIONS: 5,
    });
  });

  it('knows which keys were set: they override the plans', () => {
    expect([...readConfig({ STARTS_PER_MINUTE: '60', OTHER: 'x', PORT: '' }).explicit]).toEqual([
      'STARTS_PER_MINUTE',
    ]);
  });

  it.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('reads the switch %s', (text, value) => {
    expect(readConfig({ STREAMING_ENABLED: text, SHOW_COST: text })).toMatchObject({
      STREAMING_ENABLED: value,
      SHOW_COST: value,
    });
  });

  it('reads the paths of claims, dotted or as JSON pointers', () => {
    expect(readConfig({})).toMatchObject({
      CLAIM_TIER: [['app_metadata', 'tier']],
      CLAIM_ORGANIZATION: [['app_metadata', 'organization_id']],
      ALLOWED_ROLES: [],
    });
    expect(
      readConfig({ CLAIM_TIER: 'tier, /https:~1~1app.example/a~01', ALLOWED_ROLES: 'teacher, parent' }),
    ).toMatchObject({
      CLAIM_TIER: [['tier'], ['https://app.example', 'a~1']],
      ALLOWED_ROLES: ['teacher', 'parent'],
    });
  });

  it('reads lists', () => {
    expect(
      readConfig({
        ALLOWED_MODELS: 'a, b,,',
        ALLOWED_ORIGINS: 'https://app.example.com,capacitor://localhost',
        SUPABASE_URL: 'https://project.supabase.co',
        TRUST_PROXY: '10.0.0.0/8, fd00::/8, 192.0.2.1',
      }),
    ).toMatchObject({
      ALLOWED_MODELS: ['a', 'b'],
      ALLOWED_ORIGINS: ['https://app.example.com', 'capacitor://localhost'],
      TRUST_PROXY: ['10.0.0.0/8', 'fd00::/8', '192.0.2.1'],
    });
    expect(readConfig({ ...PRODUCTION, TRUST_PROXY: 'fly' }).TRUST_PROXY).toBe('fly');
  });

  it('reads the publishable key of a project, in either writing', () => {
    const legacy = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{"role":"anon"}').toString('base64url')}.${'e'.repeat(43)}`;
    for (const key of ['sb_publishable_canary', legacy])
      expect(readConfig({ SUPABASE_PUBLISHABLE_KEY: key }).SUPABASE_PUBLISHABLE_KEY).toBe(key);
  });

  it('names the machine by INSTANCE_ID, else by Fly, else by its host name', () => {
    const fly = { ...PRODUCTION, FLY_MACHINE_ID: 'fly-1' };
    expect(readConfig({ ...fly, INSTANCE_ID: 'mine' }).INSTANCE_ID).toBe('mine');
    expect(readConfig(fly).INSTANCE_ID).toBe('fly-1');
    expect(readConfig({}).INSTANCE_ID).not.toBe('');
  });
});

describe('readConfig refuses', () => {
  const BAD: Readonly<Record<string, readonly string[]>> = {
    PORT: ['65536', '-1', '1.5', '0x10', 'abc', '1e3'],
    NODE_ENV: ['prod', 'staging'],
    LOG_LEVEL: ['verbose'],
    HOST: ['not a host'],
    HEARTBEAT_MS: ['0', '2147483648'],
    WEBSOCKET_ROLLOUT_PERCENT: ['101'],
    SHOW_COST: ['yes', 'TRUE'],
    QUOTA_ON_OUTAGE: ['maybe'],
    ALLOWED_ORIGINS: ['*', 'app.example.com', 'https://app.example.com/', 'https://App.example.com', 'null'],
    TRUST_PROXY: ['all', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', 'fly,10.0.0.0/8', '300.0.0.1'],
    SUPABASE_URL: ['project.supabase.co', 'ftp://x', 'https://user:pw@x', 'https://x/?a=1'],
    DATABASE_URL: ['mysql://x', 'localhost:5432'],
    REDIS_URL: ['http://x'],
    SUPABASE_JWT_SECRET: ['too-short'],
    DATABASE_POOL: ['0', '11'],
    MAX_FRAME_BYTES: ['10'],
  };
  const cases = Object.entries(BAD).flatMap(([key, texts]) => texts.map((text) => [key, text] as const));

  it.each(cases)('%s=%s', (key, text) => {
    expect(problems({ [key]: text })).toContainEqual(expect.stringMatching(new RegExp(`^${key}: `)));
  });

  it('a shared port without what the processes share', () => {
    expect(problems({ SHARE_PORT: 'true' })).toEqual([expect.stringMatching(/^SHARE_PORT: needs REDIS_URL/)]);
    expect(readConfig({ SHARE_PORT: 'true', REDIS_URL: 'redis://127.0.0.1:6379' }).SHARE_PORT).toBe(true);
  });

  it('every bad key at once, in one readable message', () => {
    expect(() => readConfig({ PORT: 'x', SHOW_COST: 'y', TRUST_PROXY: 'z', NODE_ENV: 'production' })).toThrow(
      /^the environment is not usable:(\n {2}[A-Z_]+: [^\n]+){5}$/,
    );
  });

  it('without repeating any value', () => {
    const canary = 'canary value with spaces';
    const environment = Object.fromEntries(Object.keys(BAD).map((key) => [key, canary]));
    const found = problems({ ...environment, ANTHROPIC_API_KEY: canary, DATABASE_MIGRATION_URL: canary });
    expect(found.length).toBeGreaterThanOrEqual(Object.keys(BAD).length);
    expect(found.join()).not.toContain('canary');
  });
});

describe('in production', () => {
  it('the API key and the keys of tokens are required, by name', () => {
    expect(problems({ NODE_ENV: 'production' }).map((problem) => problem.split(':')[0])).toEqual([
      'ANTHROPIC_API_KEY',
      'SUPABASE_URL',
    ]);
  });

  it.each([
    ['http://project.supabase.co', false],
    ['http://127.0.0.1:54321', true],
    ['http://localhost:54321', true],
    ['http://[::1]:54321', true],
    ['http://127.0.0.1.evil.example', false],
  ])('SUPABASE_URL=%s is accepted: %s', (url, accepted) => {
    expect(problems({ ...PRODUCTION, SUPABASE_URL: url }).length === 0).toBe(accepted);
    expect(problems({ SUPABASE_URL: url })).toEqual([]);
  });

  it('/metrics never shares the public port', () => {
    expect(problems({ ...PRODUCTION, PORT: '9091' })).toEqual([expect.stringMatching(/^METRICS_PORT: /)]);
  });
});

describe('who signs tokens', () => {
  const supabase = { kind: 'supabase', audience: 'authenticated', secret: undefined, jwksUrl: undefined };
  const ISSUER = 'https://project.supabase.co/auth/v1';
  const JWKS = `${ISSUER}/.well-known/jwks.json`;

  it.each([
    ['a URL', { SUPABASE_URL: 'https://project.supabase.co/' }, { issuer: ISSUER, jwksUrl: JWKS }],
    [
      'a URL and a secret',
      { SUPABASE_URL: 'https://project.supabase.co', SUPABASE_JWT_SECRET: SECRET },
      { issuer: ISSUER, jwksUrl: JWKS, secret: SECRET },
    ],
    [
      'a secret and an issuer',
      { SUPABASE_JWT_SECRET: SECRET, SUPABASE_JWT_ISSUER: 'https://me' },
      { issuer: 'https://me', secret: SECRET },
    ],
    [
      'a key set and an issuer',
      {
        SUPABASE_JWKS_URL: 'https://keys.example/jwks',
        SUPABASE_JWT_ISSUER: 'https://me',
        SUPABASE_JWT_AUDIENCE: 'app',
      },
      { issuer: 'https://me', jwksUrl: 'https://keys.example/jwks', audience: 'app' },
    ],
  ])('%s', (_what, environment, auth) => {
    expect(readConfig(environment).auth).toEqual({ ...supabase, ...auth });
  });

  it.each([
    ['a secret', { SUPABASE_JWT_SECRET: SECRET }],
    ['a key set', { SUPABASE_JWKS_URL: 'https://keys.example/jwks' }],
  ])('%s alone lacks an issuer', (_what, environment) => {
    expect(problems(environment)).toEqual([expect.stringMatching(/^SUPABASE_JWT_ISSUER: missing/)]);
  });

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('the relay itself, on HOST=%s', (host) => {
    expect(readConfig({ HOST: host }).auth).toEqual({ kind: 'development' });
  });

  it.each([
    ['beyond loopback', { HOST: '0.0.0.0' }],
    ['on Fly', { FLY_APP_NAME: 'relay' }],
    ['in production', { NODE_ENV: 'production', ANTHROPIC_API_KEY: 'k', HOST: '127.0.0.1' }],
  ])('never the relay itself %s: it names the missing key', (_what, environment) => {
    expect(problems(environment)).toEqual([expect.stringMatching(/^SUPABASE_URL: missing/)]);
  });
});
