/** That the model thinks, and that it declines: what the SDK says of it, by each transport. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StreamOptions, Transport } from '../../src/client/index.ts';
import { type ComposedRelay, startRelay } from '../support/relay-process.ts';
import { type SteppedCall, type SteppedModel, startSteppedModel } from '../support/stepped-model.ts';
import { connectTo, QUESTION, until } from './test-client.ts';

const CAPS = { system: '', defaultMaxTokens: 1024, maxTokens: 4096 };
const ACTIONS = {
  chat: { ...CAPS, thinking: 'on' },
  think_aloud: { ...CAPS, thinking: { display: 'summarized' } },
};

let model: SteppedModel;
let relay: ComposedRelay;
let calls = 0;
const directory = mkdtempSync(join(tmpdir(), 'actions-'));

beforeAll(async () => {
  const file = join(directory, 'actions.json');
  writeFileSync(file, JSON.stringify(ACTIONS));
  model = await startSteppedModel();
  relay = await startRelay({ ...model.environment, ACTIONS_FILE: file });
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

async function asked(transport: Transport, action = 'chat', options: StreamOptions = {}) {
  const heard: string[] = [];
  const { client, sockets } = connectTo(
    { url: relay.url, token: () => relay.token() },
    { transports: [transport] },
  );
  const stream = client.stream(
    { ...QUESTION, action },
    { onThinking: (text) => heard.push(text), onChunk: (text) => heard.push(`said ${text}`), ...options },
  );
  const call: SteppedCall = await model.call(calls);
  calls += 1;
  return { client, sockets, stream, call, heard };
}

describe.each<Transport>(['websocket', 'sse'])('by %s', (transport) => {
  it('says that the model thinks, until there is text', async () => {
    const { stream, call, heard } = await asked(transport);
    await until(() => stream.phase === 'thinking');
    expect(stream.thinking).toBe(false);
    call.think('Not to be shown.');
    await until(() => stream.thinking);
    expect(stream).toMatchObject({ phase: 'thinking', thought: '', content: '' });
    call.text('Light.');
    await until(() => stream.content === 'Light.');
    expect(stream.thinking).toBe(false);
    call.think();
    await until(() => stream.thinking);
    expect(stream.phase).toBe('streaming');
    call.end();
    expect(await stream.final).toMatchObject({ outcome: 'done', content: 'Light.', refusal: null });
    expect(stream.thinking).toBe(false);
    expect(heard).toEqual(['', 'said Light.', '']);
  });

  it('says what it thinks, where the action lets it', async () => {
    const { stream, call, heard } = await asked(transport, 'think_aloud');
    call.think('Let me ', 'see.');
    await until(() => stream.thought === 'Let me see.');
    call.text('Light.');
    call.end();
    await stream.final;
    expect(stream.thought).toBe('Let me see.');
    expect(heard.slice(0, 1)).toEqual(['']);
    expect(heard.slice(1, -1).join('')).toBe('Let me see.');
  });

  it('is told again behind a lost connection, and stops as ever', async () => {
    const { client, stream, call } = await asked(transport);
    call.think();
    await until(() => stream.thinking);
    const { id, epoch = '', after } = stream.detach();
    expect(stream.thinking).toBe(false);
    const again = client.attach(id, epoch, after);
    await until(() => again.thinking);
    const { outcome, usage } = await again.cancel();
    expect(outcome).toBe('cancelled');
    expect(usage.source).toBe('estimated');
    expect(usage.outputTokens).toBeGreaterThan(1);
    await stream.final.catch(() => {});
  });
});

it('over a socket that is cut meanwhile, it is told again', async () => {
  const { sockets, stream, call } = await asked('websocket');
  call.think();
  await until(() => stream.thinking);
  sockets.at(-1)?.close();
  await until(() => !stream.thinking);
  await until(() => stream.thinking);
  call.text('Light.');
  call.end();
  expect((await stream.final).content).toBe('Light.');
});

describe.each<Transport>(['websocket', 'sse', 'json'])('a refusal by %s', (transport) => {
  it('before a word is an answer without text, of a kind', async () => {
    const { stream, call } = await asked(transport);
    call.refuse('cyber');
    expect(await stream.final).toMatchObject({
      outcome: 'done',
      content: '',
      stopReason: 'refusal',
      refusal: { category: 'cyber', partial: false },
    });
  });

  it('after some words says that they are to be discarded', async () => {
    const { stream, call } = await asked(transport);
    call.text('First you ');
    call.refuse(null);
    expect(await stream.final).toMatchObject({
      content: 'First you ',
      stopReason: 'refusal',
      refusal: { category: null, partial: true },
    });
  });
});
