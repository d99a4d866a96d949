/** Values of the environment: one `KEY=value` a line. */
import assert from 'node:assert/strict';
import { ConfigError, environmentTable, readConfig } from '../../../src/config/environment.ts';
import { type FuzzTarget, subject } from '../fuzz-target.ts';
import { requireSentence } from '../refused.ts';

/** Stands in every value that is a secret, or may hold one. */
const SECRET = 'zQ7-secret-of-nobody-9Kx';
const SECRET_KEYS = [
  'ANTHROPIC_API_KEY',
  'SUPABASE_JWT_SECRET',
  'TOOLS_SECRET',
  'DATABASE_URL',
  'DATABASE_MIGRATION_URL',
  'REDIS_URL',
  'OTEL_EXPORTER_OTLP_HEADERS',
];
const KEYS = environmentTable().map(({ key }) => key);

const VALUES = [
  ...[
    '',
    '0',
    '1',
    '-1',
    '8787',
    '65536',
    'true',
    'TRUE',
    'production',
    '127.0.0.1',
    '::',
    'localhost',
    'fly',
    'none',
    '10.0.0.0/8',
    '0.0.0.0/0',
  ],
  ...[
    'https://project.supabase.co',
    'http://127.0.0.1:1/',
    'https://a:b@c.example/?q#f',
    'ftp://x',
    'https://%zz.example',
    'redis://127.0.0.1:1/0',
  ],
  ...[
    `postgres://user:${SECRET}@127.0.0.1:1/db?sslmode=verify-full&sslrootcert=/nowhere`,
    `redis://:${SECRET}@127.0.0.1/x`,
    SECRET,
    `"${SECRET}"`,
    `${SECRET}\u0007`,
  ],
  ...[
    'auto',
    '1e3',
    '٣',
    'app_metadata.tier',
    '/app_metadata/~2',
    'user_metadata.plan',
    'a,b,,c',
    ', ,',
    'service_role',
    'dash_relay.identity',
    './nowhere.json',
  ],
];

const line = (key: string, value: string): string => `${key}=${value}`;
const CORPUS = [
  // Each key with some of the values, each value at some of the keys.
  ...Array.from({ length: 8 }, (_, turn) =>
    KEYS.map((key, place) => line(key, VALUES[(place + turn * 6) % VALUES.length] ?? '')).join('\n'),
  ),
  ...SECRET_KEYS.map((key) => line(key, SECRET)),
  [
    line('NODE_ENV', 'production'),
    line('SUPABASE_URL', 'https://project.supabase.co'),
    line('ANTHROPIC_API_KEY', SECRET),
  ].join('\n'),
  [
    line('HOST', '0.0.0.0'),
    line('SUPABASE_JWT_SECRET', SECRET.repeat(2)),
    line('SUPABASE_JWT_ISSUER', 'https://x.example/auth/v1'),
  ].join('\n'),
  [
    line('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:1'),
    line('OTEL_TRACES_SAMPLER', 'x'),
    line('OTEL_EXPORTER_OTLP_HEADERS', `a=${SECRET}`),
  ].join('\n'),
  [
    line('WORKERS', '4'),
    line('REDIS_URL', 'redis://127.0.0.1:1'),
    line('SHARE_PORT', 'true'),
    line('PORT', '0'),
  ].join('\n'),
];

export const environment: FuzzTarget = {
  name: 'environment',
  corpus: CORPUS,
  words: [...KEYS.map((key) => `\n${key}=`), ...VALUES],
  cases: 25,
  open: () => subject(check),
};

function check(input: string): void {
  const settings: Record<string, string> = {};
  for (const each of input.split('\n')) {
    const at = each.indexOf('=');
    if (at > 0) settings[each.slice(0, at)] = each.slice(at + 1);
  }
  try {
    readConfig(settings);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) {
      requireSentence(problem, 2000);
      assert.match(problem, /^[A-Z][A-Z0-9_]*(, [A-Z0-9_]+)*: /, 'which key it is about');
      assert.ok(!problem.includes(SECRET), 'a secret is said');
    }
  }
}
