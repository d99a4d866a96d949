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
    const directory = await directoryWith({ 'index.html': '<!doctype html>' });
    const { url } = await startServer({ routes: { demo: { directory } } });
    const page = await fetch(url);
    expect([page.status, await page.text()]).toEqual([200, '<!doctype html>']);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-store');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'sha256-\S+';/);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  it('serves the files it is made of to be kept for ever, since their names are those of their content', async () => {
    const directory = await directoryWith({ 'index.C-HuzM_0.js': '0' });
    const { url } = await startServer({ routes: { demo: { directory } } });
    const script = await fetch(`${url}/demo/index.C-HuzM_0.js`);
    expect([script.status, await script.text()]).toEqual([200, '0']);
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  it.each([
    '/demo/secret.key',
    '/demo/..%2fsecret.key',
    '/demo/.env',
    '/demo/app.js',
    '/demo/index.html',
    '/demo/index.ABSENT00.js',
  ])('does not serve %s', async (path) => {
    const directory = await directoryWith({
      'secret.key': 'x',
      '.env': 'x',
      'app.js': 'x',
      'index.html': '',
    });
    const { url } = await startServer({ routes: { demo: { directory } } });
    const answer = await fetch(url + path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('is a page that says what to do before it is built, and absent where it is switched off', async () => {
    const unbuilt = await startServer({ routes: { demo: { directory: await directoryWith({}) } } });
    const page = await fetch(unbuilt.url);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('npm start');
    const off = await startServer();
    expect((await fetch(off.url)).status).toBe(404);
  });
});
