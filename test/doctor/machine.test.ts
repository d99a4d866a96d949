import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { lifeLine } from '../../src/doctor/checks/certificate.ts';
import { checkMachine } from '../../src/doctor/checks/machine.ts';
import { checkOldFunctions } from '../../src/doctor/checks/old-functions.ts';
import { lockDirectory } from '../../src/ledger/directory-lock.ts';
import { NEVER, said, settingsOf } from './said.ts';

it('says that a relay runs on the data directory, and leaves nothing in one of nobody', async () => {
  const { config } = settingsOf({});
  expect(said(await checkMachine(config)).filter((line) => line.includes('a relay runs'))).toEqual([]);
  expect(existsSync(join(config.DATA_DIR, 'relay.lock'))).toBe(false);
  const lock = lockDirectory(config.DATA_DIR);
  expect(said(await checkMachine(config)).at(-1)).toMatch(/^note DATA_DIR: a relay runs on it/);
  lock.release();
  expect(said(await checkMachine(config)).at(-1)).toMatch(/^(ok|note) DATA_DIR: can be written/);
});

it.runIf(process.platform === 'linux')('compares descriptors with MAX_CONNECTIONS', async () => {
  const [few] = said(await checkMachine(settingsOf({ MAX_CONNECTIONS: '1' }).config));
  expect(few).toMatch(/^ok files: \d+ may be open, and MAX_CONNECTIONS is 1$/);
  const [many] = said(await checkMachine(settingsOf({ MAX_CONNECTIONS: '1000000' }).config));
  expect(many).toMatch(
    /^note files: \d+ may be open, which is room for \d+ connections, and MAX_CONNECTIONS is 1000000: raise/,
  );
});

it.each([
  [90, 40, 'ok'],
  [90, 20, 'note'],
  [90, 5, 'fix'],
  [6, 3, 'ok'],
  [6, 1, 'note'],
  [90, -1, 'fix'],
])('of a certificate for %d days that ends in %d: %s', (life, left, mark) => {
  const day = 24 * 60 * 60_000;
  const now = Date.UTC(2026, 10, 28);
  const line = lifeLine('https://relay.example.com', now - (life - left) * day, now + left * day, now);
  expect(line.mark).toBe(mark);
  expect(line.text).toContain(`ends in ${left} day`);
});

it.each([
  [{ 'ai-gateway': 204, 'ai-proxy': 204 }, ['ok', 'ok']],
  [{ 'ai-gateway': 204, 'ai-proxy': 404 }, ['ok', 'note']],
  [{ 'ai-gateway': 503, 'ai-proxy': 204 }, ['fix', 'ok']],
  [{ 'ai-gateway': 404, 'ai-proxy': 404 }, ['fix']],
])('of old functions that answer with %j: %j', async (statuses: Record<string, number>, marks) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(statuses[request.url?.split('/').at(-1) ?? ''] ?? 500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/functions/v1`;
  const { config } = settingsOf({ LEGACY_FUNCTIONS_URL: url });
  expect((await checkOldFunctions(config, NEVER)).map(({ mark }) => mark)).toEqual(marks);
  expect(asked).toEqual(['OPTIONS /functions/v1/ai-gateway', 'OPTIONS /functions/v1/ai-proxy']);
});
