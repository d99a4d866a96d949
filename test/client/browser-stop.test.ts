/** A browser holds six connections to a host over HTTP/1.1: six answers by events leave none for a stop. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { type App, startApp } from './app-page.ts';
import { until } from './test-client.ts';

const CONNECTIONS = 6;

interface Receipt {
  readonly outcome: string;
  readonly content: string;
  readonly usage: { readonly source: string };
  readonly timing: { readonly bytes: number; readonly upstreamClosedMs?: number };
}

let app: App;
let relay: TestRelay;
beforeAll(async () => {
  app = await startApp();
  relay = await startTestRelay({ environment: { ALLOWED_ORIGINS: app.origin } });
  relay.simulator.always('stall');
});
afterAll(async () => {
  await app?.close();
  await relay?.close();
});

/** A page that reads six answers which never end by themselves. */
async function sixAnswers(transport: 'sse' | 'json') {
  const { page } = await app.open();
  onTestFinished(() => page.close());
  await page.evaluate(`
    window.client = DashRelay.createDashClient({
      url: ${JSON.stringify(relay.url)},
      getToken: () => ${JSON.stringify(await relay.token())},
      transports: ['${transport}'],
    });
    const ask = () => client.stream({ action: 'chat', messages: [{ role: 'user', content: 'hi' }] });
    window.streams = Array.from({ length: ${CONNECTIONS} }, ask);
  `);
  await until(() => relay.simulator.stats.open === CONNECTIONS);
  if (transport === 'sse') await page.waitForFunction('streams.every(({ content }) => content)');
  return page;
}

describe.each(['sse', 'json'] as const)('six answers over %s', (transport) => {
  it('leave room for Stop of one, whose receipt comes at once, and the others go on', async () => {
    const page = await sixAnswers(transport);
    const receipt: Receipt = await page.evaluate('streams[3].cancel()');
    expect(receipt.outcome).toBe('cancelled');
    expect(receipt.usage.source).not.toBe('none');
    expect(receipt.timing.upstreamClosedMs).toBeGreaterThanOrEqual(0);
    expect(Buffer.byteLength(receipt.content)).toBe(receipt.timing.bytes);
    expect(relay.simulator.stats.open).toBe(CONNECTIONS - 1);
    const ended: number = await page.evaluate("streams.filter(({ phase }) => phase === 'cancelled').length");
    expect(ended).toBe(1);
    await page.evaluate('client.close()');
    for (const id of await page.evaluate<string[]>('streams.map(({ id }) => id)')) await stop(id);
    await until(() => relay.simulator.stats.open === 0);
  });

  it('are all stopped at once', async () => {
    const page = await sixAnswers(transport);
    const receipts: Receipt[] = await page.evaluate('Promise.all(streams.map((stream) => stream.cancel()))');
    expect(receipts.map(({ usage }) => usage.source)).not.toContain('none');
    expect(relay.simulator.stats.open).toBe(0);
  });
});

async function stop(id: string): Promise<void> {
  const authorization = `Bearer ${await relay.token()}`;
  await fetch(`${relay.url}/v1/streams/${id}`, { method: 'DELETE', headers: { authorization } });
}
