import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { connectClient } from '../support/relay-client.ts';
import { dataDirectory, spawnRelay } from '../support/relay-process.ts';

interface Profile {
  readonly nodes: readonly { readonly callFrame: { readonly url: string } }[];
  readonly samples: readonly number[];
}

it('can be profiled while it serves: NODE_OPTIONS=--cpu-prof, as for any program of Node', async () => {
  using data = dataDirectory();
  using profiles = dataDirectory();
  await using relay = await spawnRelay(data.path, {
    NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles.path}`,
  });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  await client.ended(client.start());
  relay.kill('SIGTERM');
  expect(await relay.exited).toEqual({ code: 0, signal: null });
  const files = readdirSync(profiles.path);
  const ours = files
    .map((file) => JSON.parse(readFileSync(`${profiles.path}/${file}`, 'utf8')) as Profile)
    .filter(({ nodes }) => nodes.some(({ callFrame }) => callFrame.url.endsWith('src/run/run.ts')));
  expect(ours).toHaveLength(1);
  expect(ours[0]?.samples.length).toBeGreaterThan(100);
});
