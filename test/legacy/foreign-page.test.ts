/** supabase-js in a page of another origin, in Chromium: preflights, JSON, a stream, an error. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { ask } from '../support/http-doors.ts';
import { startSimulatedRelay, type TestRelay } from '../support/relay-process.ts';

const PACE = { firstTokenMs: 1, deltasPerSecond: 200 } as const;

let server: Server;
let browser: Browser;
let origin: string;
beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: "export { createClient } from '@supabase/supabase-js'",
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'iife',
    globalName: 'Supabase',
    write: false,
  });
  const script = outputFiles[0]?.text ?? '';
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<script>${script}</script>`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

/** Evaluates an expression of `supabase` in the page. */
async function inPage<T>(relay: TestRelay, expression: string): Promise<T> {
  const page: Page = await browser.newPage();
  await page.goto(origin);
  const token = JSON.stringify(await relay.token());
  const result = await page.evaluate(`(async () => {
    const supabase = Supabase.createClient(${JSON.stringify(relay.url)}, 'sb_publishable_of_a_test', {
      accessToken: async () => ${token},
    });
    return await (${expression});
  })()`);
  await page.close();
  return result as T;
}

it('a listed page gets JSON and reads why it is refused', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE }, { ALLOWED_ORIGINS: origin });
  const { data, error } = await inPage<{ data: { content: string }; error: unknown }>(
    relay,
    `supabase.functions.invoke('ai-gateway', { body: { action: 'chat', prompt: 'Why?' } })`,
  );
  expect(error).toBeNull();
  expect(data.content.length).toBeGreaterThan(20);
  const refusal = await inPage(
    relay,
    `supabase.functions.invoke('ai-proxy', { body: { service_type: 'tts', payload: {} } })
      .then(({ error }) => error.context.json())`,
  );
  expect(refusal).toMatchObject({ error: 'unsupported', message: expect.stringContaining('text to speech') });
});

it('a listed page reads a stream piece by piece', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE }, { ALLOWED_ORIGINS: origin });
  const read = await inPage<{ pieces: number; text: string; last: string }>(
    relay,
    `supabase.functions.invoke('ai-gateway', { body: { action: 'chat', prompt: 'Why?', stream: true } })
      .then(async ({ data }) => {
        const reader = data.body.pipeThrough(new TextDecoderStream()).getReader();
        let [pieces, all] = [0, ''];
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          pieces += 1;
          all += value;
        }
        const events = all.split('\\n\\n').filter((part) => part.startsWith('data: ')).map((part) => part.slice(6));
        const text = events.slice(0, -1).map((event) => JSON.parse(event).delta.text).join('');
        return { pieces, text, last: events.at(-1) };
      })`,
  );
  expect(read.last).toBe('[DONE]');
  expect(read.text.length).toBeGreaterThan(20);
  expect(read.pieces).toBeGreaterThan(1);
});

it('a page that nobody listed gets nothing', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  const name = await inPage(
    relay,
    `supabase.functions.invoke('ai-gateway', { body: { action: 'chat', prompt: 'Why?' } }).then(({ error }) => error.name)`,
  );
  expect(name).toBe('FunctionsFetchError');
  expect(relay.simulator.requests).toEqual([]);
});

it.each(['ai-gateway', 'ai-proxy'])('the preflight of %s admits what supabase-js sends', async (name) => {
  await using relay = await startSimulatedRelay({ pace: PACE }, { ALLOWED_ORIGINS: origin });
  const asked = 'apikey,authorization,content-type,x-client-info,x-supabase-api-version,x-region';
  const { status, headers } = await ask(`${relay.url}/functions/v1/${name}`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': asked,
    },
  });
  expect([status, headers['access-control-allow-origin']]).toEqual([204, origin]);
  const admitted = headers['access-control-allow-headers']?.split(', ') ?? [];
  expect(asked.split(',').filter((each) => !admitted.includes(each))).toEqual([]);
});
