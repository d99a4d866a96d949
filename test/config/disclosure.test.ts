/** What the log says of the configuration: what an operator asks for first, and nothing that opens a door. */
import { describe, expect, it } from 'vitest';
import { DISCLOSURE, disclosedSettings } from '../../src/config/disclosure.ts';
import { environmentTable, readConfig } from '../../src/config/environment.ts';
import { startRelay } from '../support/relay-process.ts';

const KEYS = environmentTable().map(({ key }) => key);

/** A secret that is none of a document's, and what a log might have of it in other writings. */
function canary(name: string): string {
  return `k9-${name}-Zx7Qw4Vt2Rb8Nm5Lp3`;
}

function writingsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    bytes.toString('base64').replaceAll('=', ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    [...secret].reverse().join(''),
    secret.slice(0, 12),
    secret.slice(-12),
  ];
}

const SECRETS = {
  ANTHROPIC_API_KEY: canary('anthropic'),
  USER_ID_KEY: canary('ids-of-the-users-elsewhere'),
  TOOLS_SECRET: canary('tools-of-the-operator'),
  SUPABASE_JWT_SECRET: canary('signing-of-the-users'),
};
const PASSWORDS = {
  DATABASE_URL: canary('database'),
  DATABASE_MIGRATION_URL: canary('owner'),
  REDIS_URL: canary('redis'),
};

describe('the disclosure of settings', () => {
  it('is decided for each key of the environment, and for no other', () => {
    expect(Object.keys(DISCLOSURE).toSorted()).toEqual(KEYS.toSorted());
  });

  it('takes each key for a secret whose name says that it is one, and each address for one', () => {
    const told = KEYS.filter((key) => DISCLOSURE[key] === 'public');
    expect(
      told.filter((key) => /SECRET|KEY|PASSWORD|TOKEN(?!S_ABOVE|_COUNTS|_LIFE)|_URL$|ISSUER/.test(key)),
    ).toEqual([]);
  });

  it('says what is set as it holds, and of secrets and addresses no more than it may', () => {
    const config = readConfig({
      ...SECRETS,
      NODE_ENV: 'production',
      PORT: '8080',
      SHOW_COST: '1',
      ALLOWED_MODELS: 'claude-haiku-4-5, claude-opus-4-5',
      CLAIM_TIER: 'app_metadata.plan, tier',
      SUPABASE_URL: 'https://project.supabase.co',
      ANTHROPIC_BASE_URL: 'https://gateway.example.com/anthropic',
      DATABASE_URL: `postgres://writer:${PASSWORDS.DATABASE_URL}@db.example.com:6543/app?sslmode=verify-full`,
      DATABASE_MIGRATION_URL: `postgres://owner:${PASSWORDS.DATABASE_MIGRATION_URL}@db.example.com/app?sslmode=verify-full`,
      REDIS_URL: `rediss://default:${PASSWORDS.REDIS_URL}@redis.example.com:6380/2`,
    });
    const settings = disclosedSettings(config);
    expect(settings).toEqual({
      NODE_ENV: 'production',
      PORT: 8080,
      SHOW_COST: true,
      ALLOWED_MODELS: ['claude-haiku-4-5', 'claude-opus-4-5'],
      CLAIM_TIER: ['app_metadata.plan', 'tier'],
      SUPABASE_URL: 'https://project.supabase.co/',
      ANTHROPIC_BASE_URL: 'https://gateway.example.com/anthropic',
      DATABASE_URL: 'postgres://db.example.com:6543/app?sslmode=verify-full',
      DATABASE_MIGRATION_URL: 'postgres://db.example.com/app?sslmode=verify-full',
      REDIS_URL: 'rediss://redis.example.com:6380/2',
      ANTHROPIC_API_KEY: 'set',
      USER_ID_KEY: 'set',
      TOOLS_SECRET: 'set',
      SUPABASE_JWT_SECRET: 'set',
    });
  });

  it.each([
    [
      'postgres://writer@db.example.com/app?password=XX&user=boss&sslmode=require&options=XX',
      'postgres://db.example.com/app?sslmode=require',
    ],
    ['postgres://%58%58:%58%58@db.example.com/app?sslmode=XX!XX#XX', 'postgres://db.example.com/app'],
    ['redis://:XX@127.0.0.1:6379', 'redis://127.0.0.1:6379'],
    // A password with a character that had to be encoded: what looks like the port is its beginning.
    ['postgres://writer:47/XX@db.example.com/app', 'set'],
    ['postgres://writer:47?XX@db.example.com/app', 'set'],
    ['redis://default:47#XX@127.0.0.1:6379', 'set'],
  ])('leaves parameters, user and password out of %s', (url, said) => {
    const key = url.startsWith('redis') ? 'REDIS_URL' : 'DATABASE_URL';
    const config = readConfig({});
    const with_ = { ...config, [key]: url, explicit: new Set([key] as const) };
    expect(disclosedSettings(with_)).toEqual({ [key]: said });
  });

  it('says of an issuer that is no address only that it is set', () => {
    const config = readConfig({
      SUPABASE_JWT_ISSUER: 'our issuer',
      SUPABASE_JWT_SECRET: SECRETS.SUPABASE_JWT_SECRET,
    });
    expect(disclosedSettings(config)).toEqual({ SUPABASE_JWT_ISSUER: 'set', SUPABASE_JWT_SECRET: 'set' });
  });
});

it('a relay says at its start what holds, and no secret in any writing', async () => {
  await using relay = await startRelay({
    TOOLS_SECRET: SECRETS.TOOLS_SECRET,
    USER_ID_KEY: SECRETS.USER_ID_KEY,
    ANTHROPIC_API_KEY: SECRETS.ANTHROPIC_API_KEY,
    ANTHROPIC_BASE_URL: 'http://127.0.0.1:9/',
    SUPABASE_JWT_SECRET: SECRETS.SUPABASE_JWT_SECRET,
    SUPABASE_JWT_ISSUER: 'https://project.supabase.co/auth/v1',
    REDIS_URL: `redis://default:${PASSWORDS.REDIS_URL}@127.0.0.1:9/1`,
    DATABASE_URL: `postgres://writer:${PASSWORDS.DATABASE_URL}@127.0.0.1:9/app`,
    INSTANCE_ID: 'machine-a',
  });
  const [line] = await relay.logged('configuration');
  expect(relay.logLines[0]).toBe(line);
  expect(line).toMatchObject({
    level: 'info',
    event: 'configuration',
    node: process.version,
    mode: 'development',
    exposed: false,
    tokensOf: 'supabase',
    simulated: false,
    settings: {
      INSTANCE_ID: 'machine-a',
      ANTHROPIC_API_KEY: 'set',
      TOOLS_SECRET: 'set',
      SUPABASE_JWT_SECRET: 'set',
      REDIS_URL: 'redis://127.0.0.1:9/1',
      DATABASE_URL: 'postgres://127.0.0.1:9/app',
    },
  });
  const log = relay.logText.join('');
  const said = Object.values({ ...SECRETS, ...PASSWORDS }).flatMap((secret) =>
    writingsOf(secret).filter((writing) => log.includes(writing)),
  );
  expect(said).toEqual([]);
});
