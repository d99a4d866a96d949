/** A page of an origin that nobody listed: a developer's first minutes with an app on a server of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../support/http-doors.ts';
import { startRelay } from '../support/relay-process.ts';
import { TEST_SECRET } from '../support/token-mint.ts';
import { type App, startApp } from './app-page.ts';

let app: App;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app?.close());

it('ends with a reason that names ALLOWED_ORIGINS, and the log names the origin', async () => {
  await using relay = await startRelay();
  const page = await app.open();
  await page.ask(relay.url, await relay.token());
  await page.reached({ phase: 'failed' });
  const error = await page.page.evaluate(
    'stream.final.catch(({ code, message, reason }) => ({ code, message, reason }))',
  );
  expect(error).toEqual({
    code: 'forbidden',
    message: 'this origin is not allowed; list it in ALLOWED_ORIGINS',
    reason: 'origin',
  });
  const refused = relay.logLines.filter(({ msg }) => msg === 'refused');
  expect(refused.length).toBeGreaterThan(0);
  for (const line of refused)
    expect(line).toMatchObject({ level: 'info', reason: 'origin', origin: app.origin });
  await page.page.close();
});

describe('what a foreign page may read', () => {
  const EVIL = 'https://evil.example';
  const OF_PAGE = { origin: EVIL, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' };
  const PREFLIGHT = {
    ...OF_PAGE,
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  };

  it('is why it is refused, and nothing of what a token is good for', async () => {
    await using relay = await startRelay();
    const token = await relay.token();
    const session = `${relay.url}/v1/session`;
    const asked = await ask(session, { method: 'OPTIONS', headers: PREFLIGHT });
    expect(asked.headers['access-control-allow-origin']).toBe(EVIL);
    const refused = await ask(session, { token, headers: OF_PAGE });
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([403, EVIL]);
    expect(refused.body).not.toContain('userId');
    for (const path of ['/v1/usage', '/v1/config', '/v1/session?x=1', '/v1/chat']) {
      const other = await ask(relay.url + path, { method: 'OPTIONS', headers: PREFLIGHT });
      expect([other.status, other.headers['access-control-allow-origin']], path).toEqual([403, undefined]);
    }
    const plain = await ask(`${relay.url}/v1/usage`, { token, headers: OF_PAGE });
    expect(plain.headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each([
    ['the own page', (url: string) => ({ origin: url, 'sec-fetch-site': 'same-origin' })],
    ['a listed page', () => ({ origin: 'https://app.example', 'sec-fetch-site': 'cross-site' })],
    [
      'React Native, which sends the origin of a page that there is not',
      () => ({ origin: 'https://elsewhere.example' }),
    ],
    ['a program', () => ({})],
  ])('%s is not asked for an origin', async (_who, headersFor) => {
    await using relay = await startRelay({ ALLOWED_ORIGINS: 'https://app.example' });
    const answer = await ask(`${relay.url}/v1/session`, {
      token: await relay.token(),
      headers: headersFor(relay.url),
    });
    expect(answer.status).toBe(200);
  });

  it('an origin that is no origin is not written to the log', async () => {
    await using relay = await startRelay();
    const headers = { ...OF_PAGE, origin: 'canary text that is no origin' };
    expect((await ask(`${relay.url}/v1/session`, { token: await relay.token(), headers })).status).toBe(403);
    expect(relay.logText.join('')).not.toContain('canary');
  });
});

it('with the keys of real users / says why there is no demo, and names ALLOWED_ORIGINS', async () => {
  await using relay = await startRelay({
    SUPABASE_JWT_SECRET: TEST_SECRET,
    SUPABASE_JWT_ISSUER: 'https://me',
  });
  const { status, headers, body } = await ask(relay.url);
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(body).toMatch(/SUPABASE_URL[\s\S]*demo page[\s\S]*ALLOWED_ORIGINS/);
  expect(body).not.toContain('<script');
  expect((await ask(`${relay.url}/demo/index.C-HuzM_0.js`)).status).toBe(404);
});
