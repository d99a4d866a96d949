import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startServer } from './start-server.ts';

async function directoryWith(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'demo-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  return directory;
}

describe('the demo page', () => {
  it('is served at / with a policy that allows nothing inline or from elsewhere', async () => {
    const demoDirectory = await directoryWith({ 'index.html': '<!doctype html>', 'app.js': '0' });
    const { url } = await startServer({ demoDirectory });
    const page = await fetch(url);
    expect([page.status, await page.text()]).toEqual([200, '<!doctype html>']);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    const script = await fetch(`${url}/demo/app.js`);
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });

  it.each(['/demo/secret.key', '/demo/..%2fsecret.key', '/demo/.env', '/demo/absent.js'])(
    'does not serve %s',
    async (path) => {
      const demoDirectory = await directoryWith({ 'secret.key': 'x', '.env': 'x' });
      const { url } = await startServer({ demoDirectory });
      expect((await fetch(url + path)).status).toBe(404);
    },
  );

  it('is a plain 404 before it is built, and where it is switched off', async () => {
    const unbuilt = await startServer({ demoDirectory: await directoryWith({}) });
    expect((await fetch(unbuilt.url)).status).toBe(404);
    const off = await startServer();
    expect((await fetch(off.url)).status).toBe(404);
  });
});
