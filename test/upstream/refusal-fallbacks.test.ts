/** How the API is asked to have others answer where a model declines: the field and its header, for each way to ask. */
import { afterEach, expect, it } from 'vitest';
import type { Upstream, UpstreamRequest } from '../../src/upstream/port.ts';
import { SSE_HEADERS, wholeMessage } from './message-script.ts';
import { type ModelServer, startModelServer } from './model-server.ts';
import { openCall, REQUEST, upstreamTo } from './recorded-call.ts';

const BETA = 'server-side-fallback-2026-07-01';
const OTHERS = [
  { model: 'one', maxTokens: 300, thinking: { thinking: { type: 'disabled' } } },
  { model: 'two', maxTokens: 4396, thinking: { output_config: { effort: 'low' } } },
] as const;

let server: ModelServer;
let upstream: Upstream;
afterEach(async () => {
  await upstream.close();
  await server.close();
});

async function ask(
  request: Partial<UpstreamRequest>,
  options: Parameters<typeof upstreamTo>[1] = {},
  overloaded = false,
) {
  server = await startModelServer('http', (response, call) => {
    if (overloaded && call === 0) response.writeHead(529);
    else response.writeHead(200, SSE_HEADERS);
    response.end(overloaded && call === 0 ? '{}' : wholeMessage('Hi'));
  });
  upstream = upstreamTo(server, options);
  await openCall(upstream, request).call.ended;
  return server.requests.map(({ headers, body }) => ({
    beta: headers['anthropic-beta'],
    fallbacks: (JSON.parse(body) as { readonly fallbacks?: unknown }).fallbacks,
  }));
}

it('asks for nobody, and for no beta, where nothing is set', async () => {
  expect(await ask({})).toEqual([{ beta: undefined, fallbacks: undefined }]);
});

it("asks for the API's own choice", async () => {
  expect(await ask({ refusalFallbacks: 'default' })).toEqual([{ beta: BETA, fallbacks: 'default' }]);
});

it('asks for each of a list in its own way: what is left out is as that model has it by itself', async () => {
  expect(await ask({ refusalFallbacks: OTHERS })).toEqual([
    {
      beta: BETA,
      fallbacks: [
        { model: 'one', max_tokens: 300, thinking: { type: 'disabled' }, output_config: { effort: null } },
        { model: 'two', max_tokens: 4396, thinking: null, output_config: { effort: 'low' } },
      ],
    },
  ]);
});

it('asks for the beta that counts thinking as well', async () => {
  const [asked] = await ask({ refusalFallbacks: 'default' }, { thinkingTokenCounts: true });
  expect(asked?.beta).toBe(`thinking-token-count-2026-05-13,${BETA}`);
});

it('asks the fallback of an overloaded model by what holds for that one', async () => {
  const fallback = { ...REQUEST, model: 'model-in-reserve' };
  const request = { refusalFallbacks: 'default', fallback } as const;
  expect(await ask(request, { random: () => -0.6 }, true)).toMatchObject([
    { beta: BETA, fallbacks: 'default' },
    { beta: BETA, fallbacks: 'default' },
  ]);
});
