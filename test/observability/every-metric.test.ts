/** A relay with everything that it can have exposes each metric of the catalogue. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/time/clock.ts';
import { startSchoolApp } from '../identity/school-app.ts';
import { type RedisServer, startRedis } from '../many-machines/redis-server.ts';
import { CATALOGUE, requireCataloguedMetrics, seriesOf } from '../support/catalogued-metrics.ts';
import { ask, askWhole } from '../support/http-doors.ts';
import type { PostgresServer } from '../support/postgres.ts';
import { startRelay, upstreamAt } from '../support/relay-process.ts';
import { eventually } from '../support/test-run.ts';
import { createSigningKey, KeySetServer, TokenMint } from '../support/token-mint.ts';
import { type ModelServer, startModelServer } from '../upstream/model-server.ts';

let postgres: PostgresServer;
let redis: RedisServer;
let keys: KeySetServer;
let model: ModelServer;
beforeAll(async () => {
  [postgres, redis, keys, model] = await Promise.all([
    startSchoolApp(),
    startRedis(),
    new KeySetServer().listen(),
    startModelServer('http', (response) => {
      response.writeHead(429, { 'content-type': 'application/json', ...RATE_LIMITS });
      response.end('{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}');
    }),
  ]);
});
afterAll(async () => {
  await Promise.all([postgres.close(), redis[Symbol.asyncDispose](), keys.close(), model.close()]);
});

const RATE_LIMITS = Object.fromEntries(
  ['requests', 'input-tokens', 'output-tokens'].flatMap((limit) => [
    [`anthropic-ratelimit-${limit}-limit`, '1000'],
    [`anthropic-ratelimit-${limit}-remaining`, '10'],
  ]),
);

it('all of them, those that others give it as well', async () => {
  const issuer = `${keys.origin}/auth/v1`;
  const mint = new TokenMint(systemClock, createSigningKey('ES256'), issuer);
  keys.publish(mint.key);
  await using relay = await startRelay({
    ...upstreamAt(model.baseURL),
    SUPABASE_URL: keys.origin,
    DATABASE_URL: postgres.url('relay'),
    IDENTITY_VIEW: 'dash_relay.identity',
    REDIS_URL: redis.url,
    REDIS_PREFIX: 'dash:every',
    WEBHOOK_URL: 'http://127.0.0.1:9/hooks',
    WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 'every metric').toString('base64')}`,
  });
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  // A second try finds in Redis what the first one was answered: the model is asked for a new question alone.
  const answer = await askWhole(relay.url, mint.token(), { id: randomUUID(), action: 'chat', messages });
  expect(answer).toMatchObject({ error: { code: 'upstream_rate_limited' } });
  const scraped = async (): Promise<string> => (await ask(`${relay.url}/metrics`)).body;
  await eventually(
    'Postgres and Redis are up',
    async () => /^dash_postgres_up 1$/m.test(await scraped()) && /^dash_redis_up 1$/m.test(await scraped()),
  );
  const exposed = await scraped();
  requireCataloguedMetrics(exposed);
  const named = new Set(seriesOf(exposed).map(({ name }) => name));
  /** Without a series until something happens that nobody knows before, or as long as the process waits for nothing. */
  const later = [
    'dash_tool_calls_total',
    'dash_tool_call_seconds',
    'dash_client_first_token_seconds',
    'dash_client_stream_seconds',
    'dash_refusals_total',
    'dash_nodejs_active_requests',
  ];
  const ofThisSystem = [...CATALOGUE].filter(
    // Those of several processes are in test/workers.
    ([, { needs }]) => needs !== 'WORKERS' && (needs !== 'Linux' || process.platform === 'linux'),
  );
  expect(
    ofThisSystem.map(([name]) => name).filter((name) => !named.has(name) && !later.includes(name)),
  ).toEqual([]);
  expect(exposed).toContain('dash_keys_up 1');
  expect(exposed).toMatch(/^dash_keys_age_seconds [\d.e-]+$/m);
  expect(exposed).toContain('dash_upstream_limit_remaining{limit="output_tokens"} 10');
});
