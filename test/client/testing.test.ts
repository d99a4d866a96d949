import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { createDashClient } from '../../src/client/index.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { QUESTION } from './test-client.ts';

const directories = () => readdirSync(tmpdir()).filter((name) => name.startsWith('dash-relay-test-'));

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

it('starts several at once, each with data of its own, and leaves nothing behind', async () => {
  const before = directories(); // of other tests
  const relays = await Promise.all([startTestRelay(), startTestRelay()]);
  expect(new Set(relays.map(({ url }) => url)).size).toBe(2);
  await Promise.all(relays.map((relay) => relay.close()));
  expect(directories().filter((name) => !before.includes(name))).toEqual([]);
});

it('names a key of the environment that is not right', async () => {
  await expect(startTestRelay({ environment: { HEARTBEAT_MS: 'soon' } })).rejects.toThrow('HEARTBEAT_MS');
});
