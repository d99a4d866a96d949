import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { signInOf } from '../../src/compose/http.ts';
import { type Environment, readConfig } from '../../src/config/environment.ts';
import { startServer } from './start-server.ts';

const settings = { simulated: true };

async function directoryWith(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'demo-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  return directory;
}

describe('the demo page', () => {
  it('is served at / with a policy that allows nothing inline or from elsewhere', async () => {
    const directory = await directoryWith({ 'index.html': '<!doctype html>' });
    const { url } = await startServer({ routes: { demo: { directory, settings } } });
    const page = await fetch(url);
    expect([page.status, await page.text()]).toEqual([200, '<!doctype html>']);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-store');
    const policy = page.headers.get('content-security-policy');
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'sha256-\S+';/);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  it('is told in its document where users sign in, and may ask there and nowhere else', async () => {
    const directory = await directoryWith({
      'index.html': '<head><meta name="dash-demo" content=""></head>',
    });
    const supabase = {
      url: 'https://project.supabase.co/behind',
      publishableKey: 'sb_publishable_$&"<&quot;>',
    };
    const { url } = await startServer({
      routes: { demo: { directory, settings: { ...settings, supabase } } },
    });
    const page = await fetch(url);
    const [, content = ''] =
      /^<head><meta name="dash-demo" content="([^"]*)"><\/head>$/.exec(await page.text()) ?? [];
    const read = content.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
    expect(JSON.parse(read)).toEqual({ simulated: true, supabase });
    expect(page.headers.get('content-security-policy')).toContain(
      "connect-src 'self' https://project.supabase.co; base-uri",
    );
  });

  it('serves the files it is made of to be kept for ever, since their names are those of their content', async () => {
    const directory = await directoryWith({ 'index.C-HuzM_0.js': '0' });
    const { url } = await startServer({ routes: { demo: { directory, settings } } });
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
    const { url } = await startServer({ routes: { demo: { directory, settings } } });
    const answer = await fetch(url + path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('is a page that says what to do before it is built, and absent where it is switched off', async () => {
    const unbuilt = await startServer({ routes: { demo: { directory: await directoryWith({}), settings } } });
    const page = await fetch(unbuilt.url);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('npm start');
    const off = await startServer();
    expect((await fetch(off.url)).status).toBe(404);
  });

  it('says what it would take where it cannot have tokens that are taken', async () => {
    const { url } = await startServer({ routes: { demo: 'explained' } });
    expect(await (await fetch(url)).text()).toMatch(/SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY/);
  });
});

describe('users sign in on the demo page', () => {
  const WITH_KEYS: Environment = {
    SUPABASE_URL: 'https://project.supabase.co/',
    SUPABASE_PUBLISHABLE_KEY: 'sb_publishable_canary',
  };

  it('where the project and its key are set', () => {
    expect(signInOf(readConfig(WITH_KEYS))).toEqual({
      url: 'https://project.supabase.co',
      publishableKey: 'sb_publishable_canary',
    });
  });

  it.each<[string, Environment]>([
    ['without the key', { SUPABASE_URL: WITH_KEYS['SUPABASE_URL'] }],
    ['without the project', { SUPABASE_PUBLISHABLE_KEY: WITH_KEYS['SUPABASE_PUBLISHABLE_KEY'] }],
    ['where others may reach the relay', { ...WITH_KEYS, HOST: '0.0.0.0' }],
    ['behind a proxy', { ...WITH_KEYS, TRUST_PROXY: '10.0.0.0/8' }],
    ['in production', { ...WITH_KEYS, NODE_ENV: 'production', ANTHROPIC_API_KEY: 'sk-ant-canary' }],
  ])('and not %s', (_where, environment) => {
    expect(signInOf(readConfig(environment))).toBeUndefined();
  });
});
