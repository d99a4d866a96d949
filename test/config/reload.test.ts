/** Files of actions, plans, prices and models are read again while the relay runs: all of them or none, for what begins then. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ask } from '../support/http-doors.ts';
import { connectClient } from '../support/relay-client.ts';
import { dataDirectory, spawnRelay, startSimulatedRelay, type TestRelay } from '../support/relay-process.ts';

const KEYS = {
  ACTIONS_FILE: 'actions',
  PLANS_FILE: 'plans',
  PRICES_FILE: 'prices',
  MODELS_FILE: 'models',
} as const;
const DONE = 'settings read again: they hold for what begins now';
const REFUSED = 'settings read again cannot be used: those before hold, all of them';

type Json = Record<string, unknown>;

/** Copies of the shipped files, to be changed. */
function settingsFiles() {
  const directory = mkdtempSync(join(tmpdir(), 'settings-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const pathOf = (key: keyof typeof KEYS): string => join(directory, `${KEYS[key]}.json`);
  const read = (key: keyof typeof KEYS): Json => JSON.parse(readFileSync(pathOf(key), 'utf8'));
  const environment = Object.fromEntries(
    (Object.keys(KEYS) as (keyof typeof KEYS)[]).map((key) => [key, pathOf(key)]),
  );
  for (const [key, path] of Object.entries(environment))
    writeFileSync(path, readFileSync(`config/${KEYS[key as keyof typeof KEYS]}.json`));
  return {
    environment,
    change(key: keyof typeof KEYS, change: (content: Json) => unknown): void {
      const content = read(key);
      writeFileSync(pathOf(key), JSON.stringify(change(content) ?? content));
    },
  };
}

const QUESTION = { messages: [{ role: 'user' as const, content: 'Hello' }] };

async function answer(relay: TestRelay, action: string): Promise<{ status: number; body: Json }> {
  const { status, body } = await ask(`${relay.url}/v1/chat`, {
    method: 'POST',
    token: await relay.token(),
    body: { action, ...QUESTION },
  });
  return { status, body: JSON.parse(body) as Json };
}

async function reloads(relay: TestRelay): Promise<Record<string, number>> {
  const { body } = await ask(`${relay.url}/metrics`);
  const lines = body.matchAll(/^dash_settings_reloads_total\{outcome="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries(Array.from(lines, ([, outcome, count]) => [outcome, Number(count)]));
}

it('an action that was added is answered and listed, and one that was taken away is not', async () => {
  const files = settingsFiles();
  await using relay = await startSimulatedRelay({}, files.environment);
  expect((await answer(relay, 'riddle')).status).toBe(400);
  files.change('ACTIONS_FILE', (actions) => {
    actions['riddle'] = actions['chat'];
    delete actions['chat'];
  });
  relay.reload();
  const [line] = await relay.logged(DONE);
  expect(line).toMatchObject({ changed: ['ACTIONS_FILE'], actions: expect.any(Number), level: 'info' });
  expect((await answer(relay, 'riddle')).status).toBe(200);
  expect((await answer(relay, 'chat')).status).toBe(400);
  const { body } = await ask(`${relay.url}/v1/actions`, { token: await relay.token() });
  expect(Object.keys(JSON.parse(body).actions)).toContain('riddle');
  expect(await reloads(relay)).toEqual({ done: 1, refused: 0, unchanged: 0 });
});

it('what is invalid changes nothing, and one line says everything that is wrong', async () => {
  const files = settingsFiles();
  await using relay = await startSimulatedRelay({}, files.environment);
  files.change('ACTIONS_FILE', (actions) => {
    actions['riddle'] = actions['chat'];
  });
  files.change('PLANS_FILE', () => ({ plans: {} }));
  files.change('PRICES_FILE', () => []);
  relay.reload();
  const lines = await relay.logged(REFUSED);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: 'error',
    problems: [expect.stringMatching(/^PRICES_FILE: /), expect.stringMatching(/^PLANS_FILE: /)],
  });
  expect((await answer(relay, 'riddle')).status).toBe(400);
  expect((await answer(relay, 'chat')).status).toBe(200);
  expect(await reloads(relay)).toEqual({ done: 0, refused: 1, unchanged: 0 });
});

it('files that do not go together are refused together', async () => {
  const files = settingsFiles();
  await using relay = await startSimulatedRelay({}, files.environment);
  files.change('PLANS_FILE', (content) => {
    const { free } = content['plans'] as { free: Json };
    free['requestsPerActionPerMonth'] = { riddle: 3 };
  });
  relay.reload();
  const [line] = await relay.logged(REFUSED);
  expect(line).toMatchObject({ problems: [expect.stringContaining('riddle')] });
  files.change('ACTIONS_FILE', (actions) => {
    actions['riddle'] = actions['chat'];
  });
  relay.reload();
  const [done] = await relay.logged(DONE);
  expect(done).toMatchObject({ changed: ['ACTIONS_FILE', 'PLANS_FILE'] });
});

it('files that are as they were are told so', async () => {
  const files = settingsFiles();
  await using relay = await startSimulatedRelay({}, files.environment);
  relay.reload();
  await relay.logged('settings read again: nothing has changed');
  expect(await reloads(relay)).toEqual({ done: 0, refused: 0, unchanged: 1 });
});

it('a run keeps the prices and the quota that it began with; the next one has the new ones', async () => {
  const files = settingsFiles();
  await using relay = await startSimulatedRelay({}, files.environment);
  const deltas = Array.from({ length: 100 }, (_, n) => `${n} `);
  relay.simulator.script({ deltas, pace: { firstTokenMs: 0, deltasPerSecond: 20 } }, { deltas });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  const before = client.start({ action: 'chat', ...QUESTION });
  await client.until(() => before.seq > 0 || undefined);
  files.change('PRICES_FILE', tenTimesDearer);
  files.change('PLANS_FILE', (content) => {
    const { enterprise } = content['plans'] as { enterprise: Json };
    enterprise['user'] = { tokensPerDay: 1 };
  });
  relay.reload();
  await relay.logged(DONE);
  const reserved = await used(relay);
  expect(reserved).toMatchObject({ limit: 1, used: 0 });
  expect(reserved.reserved).toBeGreaterThan(1);
  expect((await answer(relay, 'chat')).status).toBe(429);
  expect(await client.ended(before)).toMatchObject({ type: 'done' });
  expect(await used(relay)).toMatchObject({ reserved: 0, used: expect.any(Number) });
  files.change('PLANS_FILE', (content) => {
    const { enterprise } = content['plans'] as { enterprise: Json };
    delete enterprise['user'];
  });
  relay.reload();
  await relay.logged(DONE, 2);
  expect((await answer(relay, 'chat')).status).toBe(200);
  const [first = 0, second = 0] = (await relay.usageRows()).map(({ costUsd }) => costUsd ?? 0);
  expect(first).toBeGreaterThan(0);
  expect(second / first).toBeCloseTo(10);
});

/** Every price is a text of digits. */
function tenTimesDearer(prices: Json): unknown {
  return JSON.parse(
    JSON.stringify(prices).replaceAll(
      /"(input|output|cacheWrite5m|cacheWrite1h|cacheRead)":"([\d.]+)"/g,
      (_, kind: string, usd: string) => `"${kind}":"${Number((Number(usd) * 10).toFixed(6))}"`,
    ),
  );
}

async function used(relay: TestRelay): Promise<{ used: number; reserved: number; limit: number }> {
  const { body } = await ask(`${relay.url}/v1/usage`, { token: await relay.token() });
  const { quotas } = JSON.parse(body) as { quotas: { of: string; scope: string; period: string }[] };
  const own = quotas.find(({ of, scope, period }) => of === 'tokens' && scope === 'user' && period === 'day');
  return own as unknown as { used: number; reserved: number; limit: number };
}

it('SIGHUP reads them, and the switches file, and ends nothing', async () => {
  const files = settingsFiles();
  using data = dataDirectory();
  const switches = join(data.path, 'switches.json');
  await using relay = await spawnRelay(data.path, { ...files.environment, SWITCHES_FILE: switches });
  files.change('ACTIONS_FILE', (actions) => {
    actions['riddle'] = actions['chat'];
  });
  writeFileSync(switches, '{"websocketPercent": 7}');
  relay.kill('SIGHUP');
  await Promise.all([relay.logged(DONE), relay.logged('switches changed')]);
  expect((await answer(relay, 'riddle')).status).toBe(200);
});

it('signals that come while it starts end nothing, and count once it has started', async () => {
  using data = dataDirectory();
  await using relay = await spawnRelay(data.path, {}, ['SIGHUP', 'SIGUSR2']);
  await Promise.all([
    relay.logged('settings read again: nothing has changed'),
    relay.logged('log level changed'),
  ]);
  expect(await answer(relay, 'chat')).toMatchObject({ status: 200 });
});
