/** A model declines, and the API has another one answer: what the client gets, and what it costs to the cent. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { connectClient } from '../support/relay-client.ts';
import { startRelay, upstreamAt } from '../support/relay-process.ts';

const OPUS = 'claude-opus-5-5';
const HAIKU = 'claude-haiku-5-5';

interface Iteration {
  readonly input_tokens: number;
  readonly output_tokens: number;
}

function actionsFile(refusalFallbacks: unknown): string {
  const directory = mkdtempSync(join(tmpdir(), 'actions-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'actions.json');
  const limits = { defaultMaxTokens: 500, maxTokens: 500 };
  writeFileSync(
    file,
    JSON.stringify({
      chat: { system: '', models: [OPUS], thinking: 'off', cache: 'off', refusalFallbacks, ...limits },
    }),
  );
  return file;
}

it.each([
  ['before a word', 'refusal'],
  ['midway', 'refusal-midway'],
] as const)('that declines %s', async (_, behaviour) => {
  const simulator = await startSimulator({ pace: UNPACED, keepBodies: true });
  onTestFinished(() => simulator.close());
  await using relay = await startRelay({
    ...upstreamAt(simulator.url),
    ACTIONS_FILE: actionsFile([HAIKU]),
    SHOW_COST: 'true',
  });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  simulator.script(behaviour);
  const stream = client.start({ events: 'text' });
  const ending = await client.ended(stream);
  expect(ending).toMatchObject({ type: 'done', model: HAIKU });
  expect(ending).not.toHaveProperty('refusal');
  expect(stream.text.length).toBeGreaterThan(100);

  const [row] = await relay.usageRows();
  expect(row).toMatchObject({ model: OPUS, servedModel: HAIKU, status: 'done', source: 'final' });
  // The same question again, without a relay: what the API itself lists.
  simulator.script(behaviour);
  const [declined, answered] = await iterationsOf(simulator.url);
  if (declined === undefined || answered === undefined) throw new Error('no two attempts');
  const prompt = declined.output_tokens === 0 ? 0 : declined.input_tokens * 4;
  const micro =
    prompt + declined.output_tokens * 20 + answered.input_tokens * 0.1 + answered.output_tokens * 0.5;
  expect(row?.costUsd).toBeCloseTo(micro / 1e6, 12);

  async function iterationsOf(url: string): Promise<readonly Iteration[]> {
    const { body } = simulator.requests.at(-1) ?? {};
    const response = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: {
        'x-api-key': 'test',
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'server-side-fallback-2026-07-01',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ ...(body as object), stream: false }),
    });
    const message = (await response.json()) as { usage: { iterations: readonly Iteration[] } };
    return message.usage.iterations;
  }
});
