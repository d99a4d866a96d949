import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connectClient } from '../support/relay-client.ts';
import { startSimulatedRelay } from '../support/relay-process.ts';

const schema = { type: 'object', properties: { mark: { type: 'integer' } }, additionalProperties: false };
const outputFormat = { type: 'json_schema', schema };

it('an action with a format has the model answer by it, beside its effort', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'actions-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const ACTIONS_FILE = join(directory, 'actions.json');
  const chat = { system: '', defaultMaxTokens: 100, maxTokens: 200, effort: 'low', outputFormat };
  writeFileSync(ACTIONS_FILE, JSON.stringify({ chat }));
  const pace = { firstTokenMs: 5, deltasPerSecond: 400 };
  await using relay = await startSimulatedRelay({ pace, keepBodies: true }, { ACTIONS_FILE });
  await using client = await connectClient({ url: relay.url, token: await relay.token() });
  expect(await client.ended(client.start())).toMatchObject({ type: 'done' });
  const { body } = relay.simulator.requests[0] ?? {};
  expect(body).toMatchObject({
    thinking: { type: 'between_tools' },
    output_config: { effort: 'low', format: outputFormat },
  });
});
