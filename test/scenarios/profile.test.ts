import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Environment } from '../../src/config/environment.ts';
import { startRedis } from '../many-machines/redis-server.ts';
import { connectClient } from '../support/relay-client.ts';
import { dataDirectory, spawnRelay } from '../support/relay-process.ts';

interface Profile {
  readonly nodes: readonly { readonly callFrame: { readonly url: string } }[];
  readonly samples: readonly number[];
}

async function profilesOf(environment: Environment): Promise<readonly Profile[]> {
  using data = dataDirectory();
  using profiles = dataDirectory();
  const settings = { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles.path}`, ...environment };
  await using relay = await spawnRelay(data.path, settings, [], 'src/main.ts');
  await relay.logged('listening', Number(environment['WORKERS'] ?? 1));
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  await client.ended(client.start());
  relay.kill('SIGTERM');
  expect(await relay.exited).toEqual({ code: 0, signal: null });
  const files = readdirSync(profiles.path);
  return files
    .map((file) => JSON.parse(readFileSync(`${profiles.path}/${file}`, 'utf8')) as Profile)
    .filter(({ nodes }) => nodes.some(({ callFrame }) => callFrame.url.endsWith('src/serve.ts')));
}

it('can be profiled while it serves: NODE_OPTIONS=--cpu-prof, as for any program of Node', async () => {
  const [profile, ...others] = await profilesOf({});
  expect(others).toEqual([]);
  expect(profile?.samples.length).toBeGreaterThan(100);
});

it('each of several processes can, with the memory settings of production', { timeout: 60_000 }, async () => {
  await using redis = await startRedis();
  const profiles = await profilesOf({ WORKERS: '2', REDIS_URL: redis.url });
  expect(profiles).toHaveLength(2);
  for (const { samples } of profiles) expect(samples.length).toBeGreaterThan(100);
});
