import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createDashClient } from '../../src/client/index.ts';
import { openUsageRecords } from '../../src/reports/usage-records.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { QUESTION } from './test-client.ts';

it('is the real relay with a model that says what a test scripts, for as many users as it likes', async () => {
  const relay = await startTestRelay();
  const users = ['0b6f1d3a-4c2e-4f7a-9d1b-2a5c8e7f6a01', '7e5d2c91-8a3b-4d6f-b0c4-1f9e3d5b7c02'];
  relay.simulator.always({ deltas: ['Hello ', 'world'] });
  for (const user of users) {
    const client = createDashClient({ url: relay.url, getToken: () => relay.token(user) });
    expect((await client.stream(QUESTION).final).content).toBe('Hello world');
    client.close();
  }
  expect(relay.simulator.requests).toHaveLength(2);
  expect(new Set(relay.simulator.requests.map(({ userHash }) => userHash)).size).toBe(2);
  await relay.close();
});

it('answers for nothing, and its rows say that they are simulated', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'rows-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const relay = await startTestRelay({ environment: { DATA_DIR: dataDir } });
  const client = createDashClient({ url: relay.url, getToken: () => relay.token() });
  await client.stream({ ...QUESTION, model: 'claude-sonnet-5-5' }).final;
  client.close();
  await relay.close();
  const reader = openUsageRecords(dataDir);
  expect([...(reader?.rows({ from: 0, before: Date.now() + 1000, userId: null }) ?? [])]).toMatchObject([
    { model: 'claude-sonnet-5-5', simulated: true, costUsd: 0 },
  ]);
  reader?.close();
});

it('starts several at once, each with data of its own, and leaves nothing behind, also of a bad environment', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'own-'));
  vi.stubEnv('TMPDIR', directory);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true });
  });
  const relays = await Promise.all([startTestRelay(), startTestRelay()]);
  expect(new Set(relays.map(({ url }) => url)).size).toBe(2);
  expect(readdirSync(directory)).toHaveLength(2);
  await Promise.all(relays.map((relay) => relay.close()));
  await expect(startTestRelay({ environment: { HEARTBEAT_MS: 'soon' } })).rejects.toThrow('HEARTBEAT_MS');
  expect(readdirSync(directory)).toEqual([]);
});
