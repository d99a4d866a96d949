/** That the model thinks: what clients are told of it over real sockets, whichever way they read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HeldStream } from '../support/held-stream.ts';
import { ask, askWhole, open, readEvents } from '../support/http-doors.ts';
import { connectClient, type RelayClient } from '../support/relay-client.ts';
import { type ComposedRelay, startRelay } from '../support/relay-process.ts';
import { type SteppedCall, type SteppedModel, startSteppedModel } from '../support/stepped-model.ts';

const ACTIONS = {
  chat: { system: 'Be kind.', defaultMaxTokens: 1024, maxTokens: 4096, thinking: 'on', allEvents: true },
  think_aloud: {
    system: 'Be kind.',
    defaultMaxTokens: 1024,
    maxTokens: 4096,
    thinking: { effort: 'low', display: 'summarized' },
  },
};

let model: SteppedModel;
let relay: ComposedRelay;
let token: string;
let client: RelayClient;
let calls = 0;
const directory = mkdtempSync(join(tmpdir(), 'actions-'));

beforeAll(async () => {
  const file = join(directory, 'actions.json');
  writeFileSync(file, JSON.stringify(ACTIONS));
  model = await startSteppedModel();
  relay = await startRelay({ ...model.environment, ACTIONS_FILE: file });
  token = await relay.token();
});
afterAll(async () => {
  await relay[Symbol.asyncDispose]();
  await model[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});
beforeEach(async () => {
  client = await connectClient({ url: relay.url, token });
  return () => client.close();
});

/** A run, and the call it made. */
async function begun(action = 'chat'): Promise<{ stream: HeldStream; call: SteppedCall }> {
  const stream = client.start({ action });
  const call = await model.call(calls);
  calls += 1;
  return { stream, call };
}

const body = (id: string, action = 'chat') => ({
  id,
  action,
  messages: [{ role: 'user', content: 'Why?' }] as const,
});

describe('over a socket', () => {
  it('it is told after `accepted` and before the text', async () => {
    const types: string[] = [];
    client.onFrame = ({ type }) => types.push(type);
    const { stream, call } = await begun();
    call.think();
    await client.until(() => stream.thinking || undefined);
    call.ping();
    call.text('Light ', 'bends.');
    call.end();
    await client.ended(stream);
    expect(types.filter((type) => type !== 'chunk')).toEqual(['accepted', 'thinking', 'done']);
    expect(types.indexOf('thinking')).toBeLessThan(types.indexOf('chunk'));
    expect(stream).toMatchObject({ text: 'Light bends.', seq: 2, thought: '' });
  });

  it('what is thought is told where the action asks for a summary, and only there', async () => {
    const { stream, call } = await begun('think_aloud');
    expect(JSON.parse(model.requests.at(-1)?.body ?? '')).toMatchObject({
      thinking: { type: 'adaptive', display: 'summarized' },
    });
    call.think('The pupil ', 'asks: "é"?');
    await client.until(() => stream.thought === 'The pupil asks: "é"?' || undefined);
    call.text('Light.');
    call.end();
    await client.ended(stream);

    const other = await begun('chat');
    other.call.think('Not to be seen.');
    other.call.text('Light.');
    other.call.end();
    await client.ended(other.stream);
    expect(other.stream.thought).toBe('');
  });

  it('who resumes while it thinks is told, and not what was thought before', async () => {
    const { stream, call } = await begun('think_aloud');
    call.think('Hm. ');
    await client.until(() => stream.thought === 'Hm. ' || undefined);
    await using later = await connectClient({ url: relay.url, token });
    const held = later.adopt(stream);
    later.resume(held, 0);
    await later.until(() => held.thinking || undefined);
    call.say('Yes.');
    await later.until(() => held.thought === 'Yes.' || undefined);
    call.text('Light.');
    call.end();
    expect(await later.ended(held)).toEqual(await client.ended(stream));
  });

  it('a cancel meanwhile ends it, closes the call, and bills more than a token', async () => {
    const { stream, call } = await begun();
    call.think();
    await client.until(() => stream.thinking || undefined);
    client.cancel(stream);
    const ending = await client.ended(stream);
    await model.idle();
    expect(ending).toMatchObject({
      type: 'cancelled',
      textLength: 0,
      usage: { inputTokens: 20, source: 'estimated' },
    });
    expect(ending.usage?.outputTokens).toBeGreaterThan(1);
    const row = (await relay.usageRows()).find(({ streamId }) => streamId === stream.id);
    expect(row).toMatchObject({ status: 'cancelled', outputTokens: ending.usage?.outputTokens });
  });

  it('with `events: "all"` the events say it, and no frame beside them', async () => {
    const stream = client.start({ events: 'all' });
    const call = await model.call(calls);
    calls += 1;
    call.think('Hm.');
    call.text('Light.');
    call.end();
    await client.ended(stream);
    expect(stream.events).toContainEqual(
      expect.objectContaining({ delta: { type: 'thinking_delta', thinking: 'Hm.' } }),
    );
  });
});

describe('as server-sent events', () => {
  it('it is an event of that name, at the position of the text before it', async () => {
    const stream = new HeldStream({ type: 'start', ...body('sse-thinking') }, 'sse-thinking');
    stream.asked('start');
    const headers = { accept: 'text/event-stream' };
    const asking = open(`${relay.url}/v1/chat`, {
      method: 'POST',
      token,
      headers,
      body: body('sse-thinking'),
    });
    const call = await model.call(calls);
    calls += 1;
    call.think();
    const response = await asking;
    let raw = '';
    response.on('data', (part) => {
      raw += part;
    });
    while (!raw.includes('event: thinking')) await new Promise((resolve) => response.once('data', resolve));
    expect(raw).toContain(`event: thinking\nid: `);
    expect(/event: thinking\nid: \S+\.0\ndata: (.*)/.exec(raw)?.[1]).toBe(
      '{"type":"thinking","id":"sse-thinking"}',
    );
    // Who reads on from there is told again.
    const resumed = await open(`${relay.url}/v1/streams/sse-thinking`, { token });
    const held = new HeldStream({ type: 'start', ...body('sse-thinking') }, 'sse-thinking');
    held.asked('resume', 0);
    const reading = readEvents(resumed, held);
    await untilTrue(() => held.thinking);
    call.text('Light.');
    call.end();
    await reading;
    expect(held).toMatchObject({ text: 'Light.', ending: { type: 'done' } });
  });
});

describe('as one JSON answer', () => {
  it('it is not told', async () => {
    const answering = askWhole(relay.url, token, body('json-whole', 'think_aloud'));
    const call = await model.call(calls);
    calls += 1;
    call.think('Hm.');
    call.text('Light.');
    call.end();
    const { content, ...answer } = await answering;
    expect(content).toBe('Light.');
    expect(JSON.stringify(answer)).not.toMatch(/thinking|Hm/);
  });

  it('a refusal is, with its kind and whether its text is to be discarded', async () => {
    const answering = ask(`${relay.url}/v1/chat`, { method: 'POST', token, body: body('json-refused') });
    const call = await model.call(calls);
    calls += 1;
    call.text('First ');
    call.refuse('bio');
    expect(JSON.parse((await answering).body)).toMatchObject({
      content: 'First ',
      stopReason: 'refusal',
      refusal: { category: 'bio', partial: true },
    });
  });
});

async function untilTrue(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
