/** The back/forward cache of a real browser: what a page that lies in it holds, and how it comes back. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { type App, startApp } from './app-page.ts';

const WORDS = Array.from({ length: 400 }, (_, at) => `${at} `);

let app: App;
let relay: TestRelay;
beforeAll(async () => {
  app = await startApp({ keepsPages: true });
  relay = await startTestRelay({
    pace: { firstTokenMs: 50, deltasPerSecond: 60 },
    environment: { ALLOWED_ORIGINS: app.origin },
  });
  relay.simulator.always({ deltas: WORDS });
});
afterAll(async () => {
  await app?.close();
  await relay?.close();
});

/** WebSockets that the relay holds. */
async function connections(): Promise<number> {
  const metrics = await (await fetch(`${relay.url}/metrics`)).text();
  return Number(/^dash_connections(?:\{.*\})? (\d+)/m.exec(metrics)?.[1]);
}

it('holds no connection there, and has the whole answer when it is back', async () => {
  const opened = await app.open();
  const { page } = opened;
  await opened.ask(relay.url, await relay.token());
  await opened.reached({ length: 50 });
  expect(await connections()).toBe(1);
  await page.evaluate(
    "window.kept = true; addEventListener('pageshow', (e) => (window.shown = e.persisted))",
  );
  await page.goto(`${app.origin}/elsewhere`);
  await expect.poll(connections, { timeout: 10_000 }).toBe(0);
  await page.evaluate('void setTimeout(() => history.back())');
  await page.waitForFunction('window.kept && window.shown');
  const { content, chunks, phases } = await opened.reached({ phase: 'done' });
  expect(content).toBe(WORDS.join(''));
  expect(chunks.join('')).toBe(content);
  expect(phases).toContain('reconnecting');
});
