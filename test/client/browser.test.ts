import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { LONG } from '../support/test-run.ts';
import { type App, type AppPage, startApp } from './app-page.ts';
import { startBlockingProxy } from './blocking-proxy.ts';
import { until } from './test-client.ts';

const WORDS = Array.from({ length: 200 }, (_, at) => `${at} `);
const TEXT = WORDS.join('');

let app: App;
let relay: TestRelay;
beforeAll(async () => {
  app = await startApp();
  relay = await startTestRelay({
    pace: { firstTokenMs: 50, deltasPerSecond: 100 },
    environment: { ALLOWED_ORIGINS: app.origin },
  });
  relay.simulator.always({ deltas: WORDS });
});
afterAll(async () => {
  await app?.close();
  await relay?.close();
});

async function openPage(): Promise<AppPage> {
  const page = await app.open();
  onTestFinished(() => page.page.close());
  return page;
}

it('streams to a page of another origin that may', async () => {
  const page = await openPage();
  await page.ask(relay.url, await relay.token());
  const { content, chunks, phases } = await page.reached({ phase: 'done' });
  expect(content).toBe(TEXT);
  expect(chunks.join('')).toBe(TEXT);
  expect(phases).toEqual(['connecting', 'thinking', 'streaming', 'done']);
  expect(await page.metrics()).toMatchObject([{ transport: 'websocket', resumes: 0 }]);
});

it('brings the whole text through a reset connection', async () => {
  const page = await openPage();
  await using proxy = await startFaultProxy(relay.url);
  await page.ask(proxy.url, await relay.token());
  await page.reached({ length: 100 });
  for (const link of proxy.links) link.reset();
  const { content, chunks, phases } = await page.reached({ phase: 'done' });
  expect(chunks.join('')).toBe(TEXT);
  expect(content).toBe(TEXT);
  expect(phases).toContain('reconnecting');
  expect(await page.metrics()).toMatchObject([{ transport: 'websocket', resumes: 1 }]);
});

if (LONG)
  it('brings the whole text through 40 s in which the network swallows everything', async () => {
    const page = await openPage();
    await using proxy = await startFaultProxy(relay.url);
    const calls = relay.simulator.requests.length;
    await page.ask(proxy.url, await relay.token());
    await page.reached({ length: 100 });
    for (const link of proxy.links) link.blackhole();
    await wait(40_000);
    for (const link of proxy.links) link.restore();
    const { content, chunks } = await page.reached({ phase: 'done' });
    expect(chunks.join('')).toBe(TEXT);
    expect(content).toBe(TEXT);
    const [metrics] = await page.metrics();
    expect(metrics?.resumes).toBeGreaterThan(0);
    expect(proxy.links.length).toBeGreaterThan(1);
    expect(relay.simulator.requests).toHaveLength(calls + 1);
  }, 90_000);

it('notices a connection that carries nothing any more when the page comes to the front', async () => {
  const page = await openPage();
  await using proxy = await startFaultProxy(relay.url);
  await page.ask(proxy.url, await relay.token());
  await page.reached({ length: 100 });
  const dead = [...proxy.links];
  for (const link of dead) link.blackhole();
  await page.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await page.reached({ phase: 'reconnecting' });
  const { chunks } = await page.reached({ phase: 'done' });
  for (const link of dead) link.restore(); // what was under way arrives now, and counts no more
  await until(() => dead.every((link) => link.bytesDown > 0));
  expect(chunks.join('')).toBe(TEXT);
  expect((await page.read()).content).toBe(TEXT);
});

it('waits while the device is offline and goes on when it is back', async () => {
  const page = await openPage();
  await page.ask(relay.url, await relay.token());
  await page.reached({ length: 100 });
  await page.page.context().setOffline(true);
  await page.reached({ phase: 'reconnecting' });
  await page.page.context().setOffline(false);
  const { content, chunks } = await page.reached({ phase: 'done' });
  expect(chunks.join('')).toBe(TEXT);
  expect(content).toBe(TEXT);
});

it.each([
  [['websocket'], 'sse'],
  [['websocket', 'sse'], 'json'],
] as const)('gets the answer where %j is blocked: by %s', async (blocked, transport) => {
  const page = await openPage();
  const proxy = await startBlockingProxy(relay.url);
  for (const each of blocked) proxy.blocked.add(each);
  await page.ask(proxy.url, await relay.token());
  const { content } = await page.reached({ phase: 'done' });
  expect(content).toBe(TEXT);
  expect(await page.metrics()).toMatchObject([{ transport }]);
});

it('takes a stream up again after the page was reloaded', async () => {
  const page = await openPage();
  const calls = relay.simulator.requests.length;
  await page.ask(relay.url, await relay.token());
  await page.reached({ length: 100 });
  await page.page.reload();
  await page.attach(relay.url, await relay.token());
  expect((await page.reached({ phase: 'done' })).content).toBe(TEXT);
  expect(relay.simulator.requests).toHaveLength(calls + 1);
});
