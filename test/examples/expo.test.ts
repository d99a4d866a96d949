/** The example for Expo: type-checked with the packed client and, in the long run, bundled by Expo’s own Metro. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PACKED_MS } from '../packages/packed.ts';
import { LONG } from '../support/test-run.ts';
import { installExample } from './example-project.ts';

/** A minute of work each; test/native bundles the client for both in every run. */
const PLATFORMS = LONG ? ['android', 'ios'] : [];
const BUNDLE_MS = 300_000;
/** Written into the app's files by Expo. */
const PUBLIC = {
  EXPO_PUBLIC_DASH_RELAY_URL: 'https://relay.example.test',
  EXPO_PUBLIC_SUPABASE_URL: 'https://project.example.test',
  EXPO_PUBLIC_SUPABASE_PUBLISHABLE_KEY: 'sb_publishable_of_nobody',
};

let example: Awaited<ReturnType<typeof installExample>>;
beforeAll(async () => {
  example = await installExample('expo');
}, PACKED_MS);
afterAll(() => example?.[Symbol.asyncDispose]());

it('is typed', async () => {
  const { stdout } = await runTool('typescript/bin/tsc').catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

it.each(PLATFORMS)(
  'is bundled for %s, with the relay and the project that were named',
  async (platform) => {
    const options = [
      '--platform',
      platform,
      '--no-bytecode',
      '--no-minify',
      '--output-dir',
      `dist/${platform}`,
    ];
    await runTool('expo/bin/cli', 'export', ...options);
    const bundle = await bundleOf(`dist/${platform}`);
    for (const value of Object.values(PUBLIC)) expect(bundle).toContain(value);
    expect(bundle).toContain('Sign in to ask Dash');
    expect(bundle).toContain('/v1/ws'); // the client
    expect(bundle).toContain('What shall we work on?'); // the assistant
  },
  BUNDLE_MS,
);

function runTool(path: string, ...options: string[]) {
  return promisify(execFile)(process.execPath, [`node_modules/${path}`, ...options], {
    cwd: example.folder,
    env: { ...process.env, ...PUBLIC, CI: '1', EXPO_NO_TELEMETRY: '1', EXPO_OFFLINE: '1' },
    maxBuffer: 1 << 24,
  });
}

async function bundleOf(folder: string): Promise<string> {
  const metadata = await readFile(join(example.folder, folder, 'metadata.json'), 'utf8');
  const { fileMetadata } = JSON.parse(metadata) as { fileMetadata: Record<string, { bundle: string }> };
  const [{ bundle } = { bundle: '' }] = Object.values(fileMetadata);
  return await readFile(join(example.folder, folder, bundle), 'utf8');
}
