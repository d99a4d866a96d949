import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, type Environment, readConfig } from '../../src/config/environment.ts';
import { readConfigFiles } from '../../src/config/files.ts';
import { startInVain } from '../support/start-in-vain.ts';
import { TEST_SECRET } from '../support/token-mint.ts';

const directory = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const PRODUCTION: Environment = {
  NODE_ENV: 'production',
  ANTHROPIC_API_KEY: 'sk-ant-canary',
  SUPABASE_URL: 'https://project.supabase.co',
};
const ABSENT = join(directory, 'absent');
const CERTIFICATE = 'test/fixtures/localhost-test-cert.pem';
const KEY = 'test/fixtures/localhost-test-key.pem';

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

/** As a Supabase project of before has them: tokens. */
function legacyKey(role: string): string {
  const [header, claims] = [{ alg: 'HS256' }, { role }].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return `${header}.${claims}.${'e'.repeat(43)}`;
}

const NOW = Date.parse('2026-12-01');

const NO_JSON = file('no.json', '{');
const EMPTY = file('empty.json', '{}');
const GARBAGE = file('garbage.pem', 'not a certificate');
const action = (settings: object) =>
  JSON.stringify({ chat: { system: '', defaultMaxTokens: 100, maxTokens: 200, ...settings } });
const TOO_MUCH_EFFORT = file(
  'effort.json',
  action({ models: ['claude-sonnet-5-5', 'claude-opus-4-6'], thinking: { effort: 'xhigh' } }),
);
const TOO_MANY_TOKENS = file('tokens.json', action({ models: ['claude-haiku-4-5'], maxTokens: 100_000 }));
const UNKNOWN_EFFORT = file('unknown.json', action({ thinking: { effort: 'huge' } }));
const THINKING_BY_TYPE = file('by-type.json', action({ thinking: 'disabled' }));
const TWO_EFFORTS = file('two-efforts.json', action({ thinking: { effort: 'low' }, effort: 'max' }));
const DEFAULT_ABOVE_CAP = file('default.json', action({ defaultMaxTokens: 300 }));
const DEFAULT_ABOVE_CAP_OF_PLAN = file(
  'default-of-plan.json',
  '{"plans":{"free":{"settings":{"defaultMaxTokens":300,"maxTokens":200}},"anonymous":{}}}',
);
const NO_ROOM_TO_THINK = file(
  'no-room.json',
  action({ models: ['claude-sonnet-5-5'], maxTokens: 128_000, thinking: { effort: 'max' } }),
);
const TEN_MINUTES = file('ten-minutes.json', action({ cache: '10m' }));
const UNKNOWN_CACHE = file('unknown-cache.json', action({ cache: { messages: '5m' } }));
const LONGER_LAST = file('longer-last.json', action({ cache: { history: '1h' } }));
const ALL_RETIRED = file('retired.json', action({ models: ['claude-sonnet-4-5'] }));
const fallback = (name: string, fallback: string, more: object = {}) =>
  file(`fallback-${name}.json`, action({ fallback, ...more }));
const declined = (name: string, more: object) => file(`declined-${name}.json`, action(more));
const BUDGET = file('budget.json', '{"spendingPerDayUsd":5,"plans":{"free":{},"anonymous":{}}}');
const KNOWN_WITHOUT_PRICE = file(
  'models.json',
  readFileSync('config/models.json', 'utf8').replace(
    '"claude-opus-4-7"',
    '"claude-opus-4-7", "claude-own-1"',
  ),
);
const NO_EFFORT_LEFT = file(
  'no-effort-left.json',
  readFileSync('config/models.json', 'utf8').replace(
    '"notWhenOff": []',
    '"notWhenOff": ["low", "medium", "high", "xhigh", "max"]',
  ),
);
const WITHOUT_FREE = file('plans.json', '{"plans":{"pro":{}}}');

const UNKNOWN_ACTION = file(
  'unknown-action.json',
  JSON.stringify({
    plans: { free: { requestsPerActionPerMonth: { lesson: 5, '*': 50 } }, anonymous: {} },
  }),
);

const format = (schema: object) => action({ outputFormat: { type: 'json_schema', schema } });
const OPEN_OBJECT = file('open-object.json', format({ type: 'object', properties: {} }));
const withoutFormats = (() => {
  const shipped = JSON.parse(readFileSync('config/models.json', 'utf8')) as {
    models: { refuses: string[] }[];
  };
  const models = shipped.models.map((model) => ({ ...model, refuses: [...model.refuses, 'outputFormat'] }));
  return file('without-formats.json', JSON.stringify({ ...shipped, models }));
})();
const WITH_FORMAT = file('format.json', format({ type: 'object', additionalProperties: false }));

const plans = (name: string, free: object) => file(name, JSON.stringify({ plans: { free, anonymous: {} } }));
const SONNETS = file('sonnets.json', action({ models: ['sonnet', 'claude-sonnet-4-6'], effort: 'xhigh' }));
const aliases = (name: string, given: object) => {
  const shipped = JSON.parse(readFileSync('config/models.json', 'utf8')) as object;
  return file(name, JSON.stringify({ ...shipped, aliases: given }));
};

function problems(environment: Environment): readonly string[] {
  try {
    readConfigFiles(readConfig({ DATA_DIR: directory, ...environment }), NOW, () => {});
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** Each of these starts nothing: served on, it would fail at each request or attempt to connect, for ever. */
const NEVER_WORKS: [key: string, value: string, saying: RegExp, more?: Environment][] = [
  ['DATABASE_URL', 'postgres://u:100%@db/app', /%25/],
  ['DATABASE_URL', 'postgres://u:50%ff@db/app', /%25/],
  ['DATABASE_URL', 'postgres://u:p@db/app%zz', /%25/],
  ['DATABASE_URL', 'postgres://u:p@db%zz/app', /%25/, PRODUCTION],
  ['DATABASE_URL', 'postgres://u:p@db/app?options=%', /%25/],
  ['DATABASE_URL', 'postgres://u:p@db/app?port=abc', /port/],
  ['DATABASE_URL', 'postgres://u:p@db:0/app', /port/],
  ['DATABASE_URL', 'postgres://u:p@db/app?sslmode=verfy-full', /sslmode must be one of/],
  ['DATABASE_URL', `postgres://db/app?sslmode=verify-full&sslrootcert=${ABSENT}`, /sslrootcert.*ENOENT/],
  ['DATABASE_URL', `postgres://db/app?sslmode=verify-full&sslrootcert=${directory}`, /sslrootcert.*EISDIR/],
  ['DATABASE_URL', `postgres://db/app?sslmode=verify-full&sslrootcert=${GARBAGE}`, /sslrootcert.*PEM/],
  ['DATABASE_URL', `postgres://db/app?sslmode=verify-full&sslrootcert=${KEY}`, /sslrootcert.*PEM/],
  ['DATABASE_URL', `postgres://db/app?sslcert=${ABSENT}`, /sslcert.*ENOENT/],
  ['DATABASE_URL', `postgres://db/app?sslcert=${CERTIFICATE}&sslkey=${GARBAGE}`, /sslkey.*PEM/],
  ['DATABASE_MIGRATION_URL', 'postgres://u:100%@db/app', /%25/],
  ['REDIS_URL', 'redis://:100%@redis', /%25/],
  ['REDIS_URL', 'redis://', /host/],
  ['REDIS_URL', 'redis:///0', /host/],
  ['REDIS_URL', 'redis://redis/cache', /number of a database/],
  ['REDIS_URL', 'REDIS://redis.example', /must be rediss:/, PRODUCTION],
  ['SUPABASE_URL', 'HTTP://project.supabase.co', /must be https/, PRODUCTION],
  ['SUPABASE_URL', 'Http://PROJECT.supabase.co', /must be https/, PRODUCTION],
  ['SUPABASE_URL', 'https://project.supabase.co/100%', /%25/],
  ['SUPABASE_URL', 'https://project.supabase.co/auth/v1', /must end before \/auth\/v1/],
  ['SUPABASE_URL', 'https://project.supabase.co/rest/v1/', /must end before/],
  ['SUPABASE_URL', 'https://supabase.com/dashboard/project/abc', /dashboard/],
  ['SUPABASE_JWKS_URL', 'http://keys.example/jwks', /must be https/, PRODUCTION],
  ['SUPABASE_JWKS_URL', 'HTTP://keys.example/jwks', /must be https/, PRODUCTION],
  ['SUPABASE_JWKS_URL', 'http://', /http\(s\) URL/],
  ['SUPABASE_JWT_ISSUER', 'https://me', /without its keys/],
  ['SUPABASE_JWT_SECRET', `eyJhbGciOiJIUzI1NiJ9.${'e'.repeat(40)}.signature`, /API key/],
  ['SUPABASE_JWT_SECRET', `sb_secret_${'e'.repeat(40)}`, /API key/],
  ['SUPABASE_PUBLISHABLE_KEY', `sb_secret_${'e'.repeat(40)}`, /no browser may have/],
  ['SUPABASE_PUBLISHABLE_KEY', legacyKey('service_role'), /no browser may have/],
  ['ANTHROPIC_BASE_URL', 'https://gateway.example/v1', /must end before \/v1/],
  ['ANTHROPIC_API_KEY', '"sk-ant-quoted"', /quotes/],
  ['SUPABASE_JWT_AUDIENCE', "'authenticated'", /quotes/],
  ['CLAIM_TIER', 'user_metadata.tier', /users write user_metadata themselves.*app_metadata/],
  ['CLAIM_TIER', 'app_metadata.tier,/user_metadata/tier', /users write user_metadata/],
  ['CLAIM_TIER', 'user_metadata', /users write user_metadata/],
  ['CLAIM_TIER', '/user~1metadata~2/tier', /~0/],
  ['CLAIM_TIER', 'app_metadata..tier', /path of 1 to 8 names/],
  ['CLAIM_TIER', '/', /path of 1 to 8 names/],
  ['CLAIM_TIER', 'a b', /path of 1 to 8 names/],
  ['CLAIM_TIER', 'a.b.c.d.e.f.g.h.i', /path of 1 to 8 names/],
  ['CLAIM_TIER', 'x'.repeat(129), /path of 1 to 8 names/],
  ['CLAIM_TIER', ',', /at least one entry/],
  ['CLAIM_ORGANIZATION', 'email', /users write email/],
  ['CLAIM_ORGANIZATION', '/phone', /users write phone/],
  ['ALLOWED_ROLES', 'teacher,anon', /anon, service_role .* no users/],
  ['ALLOWED_ROLES', 'service_role', /no users/],
  ['ALLOWED_ROLES', 'Service_Role', /no users/],
  ['ALLOWED_ROLES', 'supabase_auth_admin', /no users/],
  ['ALLOWED_ROLES', 'postgres', /no users/],
  ['ALLOWED_ROLES', 'teach er', /a word such as teacher/],
  ['ALLOWED_ROLES', '*', /a word such as teacher/],
  ['IDENTITY_VIEW', 'dash_relay.identity', /needs DATABASE_URL/],
  ['IDENTITY_VIEW', '"dash_relay".identity', /without quotes/],
  ['IDENTITY_VIEW', 'a.b.c', /a name such as dash_relay\.identity/],
  ['IDENTITY_VIEW', 'identity; DROP TABLE users', /a name such as dash_relay\.identity/],
  ['IDENTITY_STALE_MS', '1000', /must not be less than IDENTITY_TTL_MS/],
  ['METRICS_PORT', '8787', /must differ from PORT/],
  ['METRICS_PORT', '08787', /must differ from PORT/, PRODUCTION],
  ['DRAIN_MS', '2147483647', /whole number/],
  ['ACTIONS_FILE', ABSENT, /ENOENT/],
  ['ACTIONS_FILE', directory, /name a file of at most/],
  ['ACTIONS_FILE', NO_JSON, /JSON/],
  ['ACTIONS_FILE', EMPTY, /at least one action/],
  [
    'ACTIONS_FILE',
    TOO_MUCH_EFFORT,
    /chat\.thinking\.effort: "xhigh" .*use low, medium, high or max \(claude-opus-4-6\)/,
  ],
  ['ACTIONS_FILE', TOO_MANY_TOKENS, /chat\.maxTokens: 100000 is more than the 64000 .*\(claude-haiku-4-5\)/],
  [
    'ACTIONS_FILE',
    UNKNOWN_EFFORT,
    /must be "off", "on", or .*low, medium, high, xhigh, max.*\n.* chat\.thinking/,
  ],
  ['ACTIONS_FILE', THINKING_BY_TYPE, /must be "off", "on", or {"effort", "display"}.*\n.* chat\.thinking/],
  ['ACTIONS_FILE', TWO_EFFORTS, /another than that of thinking: leave one of them out\n.* chat\.effort/],
  ['ACTIONS_FILE', DEFAULT_ABOVE_CAP, /is more than maxTokens: .*\n.* chat\.defaultMaxTokens/],
  [
    'PLANS_FILE',
    DEFAULT_ABOVE_CAP_OF_PLAN,
    /is more than maxTokens: .*\n.* plans\.free\.settings\.defaultMaxTokens/,
  ],
  [
    'ACTIONS_FILE',
    NO_ROOM_TO_THINK,
    /chat\.maxTokens: with the 49152 it may think 128000 is more than the 128000 it can give; lower it, or set thinkingTokens \(claude-sonnet-5-5\)/,
  ],
  ['ACTIONS_FILE', TEN_MINUTES, /must be "off", "5m" or "1h", or .*\n.* chat\.cache/],
  ['ACTIONS_FILE', UNKNOWN_CACHE, /Unrecognized key: "messages".*\n.* chat\.cache/],
  [
    'ACTIONS_FILE',
    LONGER_LAST,
    /"1h" cannot .* set cache\.system to "1h" or "off".*\n.* chat\.cache\.history/,
  ],
  ['ACTIONS_FILE', ALL_RETIRED, /chat\.models: none answers any more, .* \(claude-sonnet-4-5\)/],
  ['ACTIONS_FILE', OPEN_OBJECT, /must have "additionalProperties": false\n.*chat\.outputFormat\.schema/],
  [
    'ACTIONS_FILE',
    WITH_FORMAT,
    /chat\.outputFormat: it gives no answers by a schema; leave it out, .* \(claude-sonnet-5-5\)/,
    { MODELS_FILE: withoutFormats },
  ],
  [
    'ACTIONS_FILE',
    fallback('same', 'claude-sonnet-5-5'),
    /chat\.fallback: is the model that it stands in for; name another \(claude-sonnet-5-5\)/,
  ],
  [
    'ACTIONS_FILE',
    fallback('retired', 'claude-sonnet-4-5'),
    /chat\.fallback: is retired; name one that answers \(claude-sonnet-4-5\)/,
  ],
  [
    'ACTIONS_FILE',
    fallback('unknown', 'claude-own-1'),
    /chat\.fallback: is not in MODELS_FILE.* \(claude-own-1\)/,
  ],
  [
    'ACTIONS_FILE',
    declined('none', { models: ['haiku'], refusalFallbacks: 'default' }),
    /chat\.refusalFallbacks: takes none; leave it out \(claude-haiku-5-5\)/,
  ],
  [
    'ACTIONS_FILE',
    declined('list', { models: ['sonnet'], refusalFallbacks: ['opus'] }),
    /chat\.refusalFallbacks: takes "default" only \(claude-sonnet-5-5\)/,
  ],
  [
    'ACTIONS_FILE',
    declined('retired', { models: ['fable'], refusalFallbacks: ['claude-sonnet-4-5'] }),
    /chat\.refusalFallbacks: is retired; name one that answers \(claude-sonnet-4-5\)/,
  ],
  [
    'ACTIONS_FILE',
    declined('unknown', { models: ['fable'], refusalFallbacks: ['claude-own-1'] }),
    /chat\.refusalFallbacks: is not in MODELS_FILE.* \(claude-own-1\)/,
  ],
  [
    'ACTIONS_FILE',
    declined('many', { models: ['fable'], refusalFallbacks: ['a', 'b', 'c', 'd'] }),
    /must be "off", "default" or a list of up to 3 models\s+→ at chat\.refusalFallbacks/,
  ],
  [
    'PLANS_FILE',
    BUDGET,
    /spendingPerDayUsd cannot count claude-own-1 \(ACTIONS_FILE chat\.fallback\), which has no price; add it to PRICES_FILE, name another, or .*"unpricedModels": "allowed"/,
    { MODELS_FILE: KNOWN_WITHOUT_PRICE, ACTIONS_FILE: fallback('unpriced', 'claude-own-1') },
  ],
  [
    'PLANS_FILE',
    BUDGET,
    /spendingPerDayUsd cannot count gateway-model \(DEFAULT_MODEL\).*/,
    { DEFAULT_MODEL: 'gateway-model' },
  ],
  [
    'PLANS_FILE',
    BUDGET,
    /spendingPerDayUsd cannot count gateway-model \(ALLOWED_MODELS\).*/,
    { ALLOWED_MODELS: 'sonnet,gateway-model' },
  ],
  [
    'ACTIONS_FILE',
    fallback('effort', 'claude-sonnet-4-6', { thinking: { effort: 'xhigh' } }),
    /chat\.thinking\.effort: "xhigh" .*\(claude-sonnet-4-6\)/,
  ],
  ['DEFAULT_MODEL', 'claude-sonnet-4-5', /claude-sonnet-4-5 is retired; choose one that answers/],
  ['MODELS_FILE', ABSENT, /ENOENT/],
  ['MODELS_FILE', NO_JSON, /JSON/],
  ['MODELS_FILE', EMPTY, /models/],
  ['MODELS_FILE', NO_EFFORT_LEFT, /must leave one of the levels\n.* models\[0\]\.effort\.notWhenOff/],
  ['PLANS_FILE', ABSENT, /ENOENT/],
  ['PLANS_FILE', NO_JSON, /JSON/],
  ['PLANS_FILE', WITHOUT_FREE, /"free" and "anonymous"/],
  ['PLANS_FILE', UNKNOWN_ACTION, /free\.requestsPerActionPerMonth: "lesson" is no action; there are .*chat/],
  ['PRICES_FILE', ABSENT, /ENOENT/],
  ['PRICES_FILE', NO_JSON, /JSON/],
  ['PRICES_FILE', EMPTY, /models/],
  ['DATA_DIR', NO_JSON, /a directory that this process may write to/],
  ['DATA_DIR', join(NO_JSON, 'below'), /a directory that this process may write to/],
];

describe('what can never work is named at start', () => {
  it.each([...NEVER_WORKS])('%s=%s', (key, value, saying, more = {}) => {
    const found = problems({ ...more, [key]: value });
    expect(found).toContainEqual(expect.stringMatching(new RegExp(`^${key}: `)));
    expect(found.join('\n')).toMatch(saying);
  });

  it('every file at once', () => {
    const found = problems({
      ACTIONS_FILE: ABSENT,
      MODELS_FILE: ABSENT,
      PLANS_FILE: NO_JSON,
      PRICES_FILE: EMPTY,
      DATA_DIR: NO_JSON,
    });
    expect(found.map((problem) => problem.split(':')[0])).toEqual([
      'ACTIONS_FILE',
      'MODELS_FILE',
      'PRICES_FILE',
      'PLANS_FILE',
      'DATA_DIR',
    ]);
  });
});

/** What a plan has an action do, and its model would not. */
const UNUSABLE_PLANS: [what: string, free: object, line: string, actions?: string][] = [
  [
    'an effort for all actions',
    { settings: { models: ['claude-opus-4-6'], thinking: { effort: 'xhigh' } } },
    'free.settings.thinking.effort, for chat: "xhigh" is none of its levels; use low, medium, high or max (claude-opus-4-6)',
  ],
  [
    'an effort for one',
    { actions: { chat: { models: ['haiku'], effort: 'max' } } },
    'free.actions.chat.effort: "max" is none of its levels while thinking is off; use low, medium or high (claude-haiku-5-5)',
  ],
  [
    'a cap of the action that a model of the plan cannot give',
    { settings: { models: ['claude-haiku-4-5'] } },
    "free.actions.chat.maxTokens, not set and so the action's: 100000 is more than the 64000 it can give; lower it (claude-haiku-4-5)",
    action({ models: undefined, maxTokens: 100_000 }),
  ],
  [
    'a default model that has retired',
    { actions: { chat: { models: ['claude-sonnet-4-5'] } } },
    'free.actions.chat.models: none answers any more, all are retired; name one that does (claude-sonnet-4-5)',
  ],
  [
    'no model of the action',
    { settings: { models: ['haiku'] } },
    "free.settings.models, for chat: none is one of the action's own (claude-sonnet-5-5); name one of those, or others in free.actions.chat.models",
    action({ models: ['sonnet'] }),
  ],
  [
    'an action that is none',
    { actions: { chatt: { effort: 'low' } } },
    'free.actions: "chatt" is no action; there are chat',
  ],
];

describe('what a plan says of actions is refused where no model would take it', () => {
  it.each(UNUSABLE_PLANS)('%s', (what, free, line, actions = action({})) => {
    const name = what.replaceAll(' ', '-');
    const found = problems({
      ACTIONS_FILE: file(`actions-${name}.json`, actions),
      PLANS_FILE: plans(`plans-${name}.json`, free),
    });
    expect(found).toEqual([`PLANS_FILE: ${line}`]);
  });

  it.each([
    ['mends it', { models: ['claude-sonnet-4-6'], effort: 'high' }],
    ['says something else', { maxTokens: 150 }],
  ])('what is wrong with the action itself is told once, also where the plan %s', (what, chat) => {
    const PLANS_FILE = plans(`${what.replaceAll(' ', '-')}.json`, { actions: { chat } });
    const found = problems({ ACTIONS_FILE: SONNETS, PLANS_FILE });
    expect(found).toEqual([
      expect.stringMatching(/^ACTIONS_FILE: chat\.effort: "xhigh" .*\(claude-sonnet-5-5\)$/),
      expect.stringMatching(/^ACTIONS_FILE: chat\.effort: "xhigh" .*\(claude-sonnet-4-6\)$/),
    ]);
  });
});

describe('aliases', () => {
  it.each<[string, object, RegExp]>([
    [
      'that stand for no model',
      { sonnet: 'claude-sonet-5-5' },
      /"claude-sonet-5-5" is no model of this file/,
    ],
    ['that stand for another alias', { a: 'sonnet', sonnet: 'claude-sonnet-5' }, /"sonnet" is no model/],
    ['that are models', { 'claude-sonnet-5': 'claude-sonnet-5-5' }, /is the id of a model itself/],
  ])('%s are refused', (what, given, saying) => {
    const found = problems({ MODELS_FILE: aliases(`${what.replaceAll(' ', '-')}.json`, given) });
    expect(found).toEqual([expect.stringMatching(/^MODELS_FILE: /)]);
    expect(found.join()).toMatch(saying);
  });

  it('may be the default model, allowed models and those of an action', () => {
    const long = { 'claude-3-haiku-20240307': 'claude-haiku-5-5' };
    const MODELS_FILE = aliases('long-ago.json', long);
    const ACTIONS_FILE = file('aliased.json', action({ models: Object.keys(long) }));
    const environment = { DATA_DIR: directory, MODELS_FILE, ACTIONS_FILE };
    const files = readConfigFiles(readConfig(environment), NOW, () => {});
    expect(files.actions.get('chat')?.models).toEqual(['claude-haiku-5-5']);
    expect(problems({ DEFAULT_MODEL: 'opus', ALLOWED_MODELS: 'sonnet,haiku' })).toEqual([]);
  });
});

describe('what may work is not stood in the way of', () => {
  it.each<[string, Environment]>([
    ['an answer by a schema', { ACTIONS_FILE: WITH_FORMAT }],
    ['an encoded %', { DATABASE_URL: 'postgres://u:100%25@db/app', REDIS_URL: 'redis://:100%25@redis/3' }],
    ['a database by its socket', { DATABASE_URL: 'postgres:///app?host=/run/postgresql' }],
    ['a certificate', { DATABASE_URL: `postgres://db/app?sslmode=verify-full&sslrootcert=${CERTIFICATE}` }],
    ['certificates of a client', { DATABASE_URL: `postgres://db/app?sslcert=${CERTIFICATE}&sslkey=${KEY}` }],
    ['a path that only looks like user_metadata', { CLAIM_TIER: 'app_metadata.user_metadata,User.metadata' }],
    ['TLS to Redis', { ...PRODUCTION, REDIS_URL: 'REDISS://u:p@redis.example:6380' }],
    ['a project below a path', { SUPABASE_URL: 'https://self.example/supabase' }],
    ['Redis on loopback', { ...PRODUCTION, REDIS_URL: 'redis://[::1]:6379' }],
    ['a fallback', { ACTIONS_FILE: fallback('good', 'claude-haiku-5-5'), PLANS_FILE: BUDGET }],
    [
      'a fallback without a price where nothing counts by prices',
      { ACTIONS_FILE: fallback('free', 'claude-own-1'), MODELS_FILE: KNOWN_WITHOUT_PRICE },
    ],
    [
      'a fallback among the models of its action',
      {
        ACTIONS_FILE: fallback('among', 'claude-haiku-5-5', {
          models: ['claude-sonnet-5-5', 'claude-haiku-5-5'],
        }),
      },
    ],
    ['a directory that is not there yet', { DATA_DIR: join(directory, 'new', 'below') }],
  ])('%s', (_what, environment) => {
    expect(problems(environment)).toEqual([]);
  });

  it('a URL is spelled as its issuer spells it, however it was written', () => {
    const { auth } = readConfig({ SUPABASE_URL: 'HTTPS://Project.Supabase.co:443/' });
    expect(auth).toMatchObject({
      issuer: 'https://project.supabase.co/auth/v1',
      jwksUrl: 'https://project.supabase.co/auth/v1/.well-known/jwks.json',
    });
  });
});

describe('the process', () => {
  it.each<[string, Environment, RegExp]>([
    ['a plans file that is absent', { PLANS_FILE: ABSENT }, /PLANS_FILE: .*ENOENT/],
    ['an actions file that is no JSON', { ACTIONS_FILE: NO_JSON }, /ACTIONS_FILE: .*JSON/],
    [
      'a certificate that is absent',
      { DATABASE_URL: `postgres://db/app?sslrootcert=${ABSENT}` },
      /DATABASE_URL: sslrootcert/,
    ],
    [
      'an address of another machine',
      { HOST: '192.0.2.1', SUPABASE_JWT_SECRET: TEST_SECRET, SUPABASE_JWT_ISSUER: 'me' },
      /HOST: .*EADDRNOTAVAIL/,
    ],
    [
      'a name that is none',
      { HOST: 'relay.invalid', SUPABASE_JWT_SECRET: TEST_SECRET, SUPABASE_JWT_ISSUER: 'me' },
      /HOST: .*ENOTFOUND|EAI_AGAIN/,
    ],
  ])('ends with 78: %s', async (_what, environment, saying) => {
    const { code, output } = await startInVain(environment);
    expect(output).toMatch(saying);
    expect(code).toBe(78);
  });

  it('ends with 1 where a port is in use, naming the key: that may pass', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { code, output } = await startInVain({ PORT: String(port) });
    const metrics = await startInVain({ METRICS_PORT: String(port) });
    taken.close();
    expect(output).toMatch(new RegExp(`unable to start: PORT: ${port} is in use`));
    expect(metrics.output).toMatch(new RegExp(`unable to start: METRICS_PORT: ${port} is in use`));
    expect([code, metrics.code]).toEqual([1, 1]);
  });
});
