/** The real supabase-js against the relay in the place of its functions, in Node. */
import { createClient, FunctionsHttpError } from '@supabase/supabase-js';
import { expect, it } from 'vitest';
import { startSimulatedRelay, type TestRelay } from '../support/relay-process.ts';
import { differences, readAsTheAppDid, SHAPES } from './shapes.ts';

const PACE = { firstTokenMs: 1, deltasPerSecond: 2000 } as const;
const KEY = 'sb_publishable_of_a_test_project';

async function clientOf(relay: TestRelay) {
  const token = await relay.token();
  return createClient(relay.url, KEY, { accessToken: async () => token });
}

it('functions.invoke gets JSON of both functions', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  const supabase = await clientOf(relay);
  const messages = [{ role: 'user', content: 'Why?' }];
  const gateway = await supabase.functions.invoke('ai-gateway', {
    body: { action: 'general_assistance', messages, context: { role: 'teacher' } },
  });
  expect(gateway.error).toBeNull();
  expect(differences(SHAPES['gateway'] ?? {}, gateway.data)).toEqual([]);
  const proxy = await supabase.functions.invoke('ai-proxy', {
    body: { scope: 'teacher', service_type: 'chat_message', payload: { messages } },
  });
  expect(differences(SHAPES['proxy'] ?? {}, proxy.data)).toEqual([]);
});

it('functions.invoke gets a stream as a response to be read', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  relay.simulator.always({ deltas: ['Light ', 'scatters 🎉.'] });
  const supabase = await clientOf(relay);
  const { data, error } = await supabase.functions.invoke<Response>('ai-gateway', {
    body: { action: 'chat', prompt: 'Why?', stream: true },
  });
  expect(error).toBeNull();
  if (data?.body == null) throw new Error('an answer without a body');
  const { text, types } = await readAsTheAppDid(data.body);
  expect(text).toBe('Light scatters 🎉.');
  expect(new Set(types)).toEqual(new Set(['content_block_delta', '[DONE]']));
  expect(types.indexOf('[DONE]')).toBe(types.length - 1);
});

it('functions.invoke gets an error with the body to be read from its context', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  const supabase = await clientOf(relay);
  const { data, error } = await supabase.functions.invoke('ai-gateway', {
    body: { action: 'chat', prompt: 'Why?', model: 'gpt-4o-mini' },
  });
  expect(data).toBeNull();
  if (!(error instanceof FunctionsHttpError)) throw new Error('another error');
  expect(error.context.status).toBe(403);
  expect(await error.context.json()).toMatchObject({
    error: 'model_access_denied',
    tier: 'enterprise',
    available_model: 'claude-sonnet-5-5',
  });
});

it('functions.invoke without a session asks after the health of both', async () => {
  await using relay = await startSimulatedRelay({ pace: PACE });
  const supabase = createClient(relay.url, KEY);
  for (const name of ['ai-gateway', 'ai-proxy']) {
    const { data } = await supabase.functions.invoke(name, { body: { action: 'health' } });
    expect(data).toMatchObject({ status: 'ok' });
  }
});
