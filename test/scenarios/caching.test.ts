/** What is written to the API's prompt cache in one turn of a conversation is read in the next. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createDashClient,
  type DashClient,
  type Message,
  type StreamRequest,
} from '../../src/client/index.ts';
import type { Usage } from '../../src/protocol/frames.ts';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';

let relay: TestRelay;
let client: DashClient;
beforeAll(async () => {
  relay = await startTestRelay();
  client = createDashClient({ url: relay.url, getToken: () => relay.token() });
});
afterAll(async () => {
  client.close();
  await relay.close();
});

const LONG = 'word '.repeat(500);
const picture = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' },
} as const;
let conversations = 0;

describe('a conversation', () => {
  let messages: Message[];
  beforeEach(() => {
    conversations += 1;
    messages = [];
  });

  /** Says what the next turn may expect: the prompt of this one but for its context. */
  const ask = async (content: Message['content'], more: Partial<StreamRequest> = {}): Promise<Usage> => {
    messages.push({ role: 'user', content });
    const answer = await client.stream({ action: 'chat', messages: [...messages], ...more }).final;
    messages.push({ role: 'assistant', content: answer.content });
    return answer.usage;
  };
  const first = () => `Conversation ${conversations}. ${LONG}`;
  const kept = ({ cacheReadTokens, cacheWriteTokens }: Usage) => cacheReadTokens + cacheWriteTokens;

  it('is written once it goes on, then read, and each turn adds its own', async () => {
    expect(kept(await ask(first()))).toBe(0);
    let before = await ask('Why?');
    expect([before.cacheReadTokens, before.inputTokens]).toEqual([0, 0]);
    for (let turn = 0; turn < 8; turn += 1) {
      const usage = await ask(`And question ${turn}?`);
      expect(usage.cacheReadTokens).toBe(kept(before));
      expect(usage.cacheWriteTokens).toBeGreaterThan(0);
      expect(usage.inputTokens).toBe(0);
      before = usage;
    }
  });

  it('is read the same with other context in each turn, which alone is paid in full', async () => {
    await ask(first(), { context: { page: 1 } });
    let before = await ask('Why?', { context: { page: 2 } });
    for (const context of [{ page: 3 }, undefined, 'a note', { page: 'x'.repeat(400) }]) {
      const usage = await ask('And then?', context === undefined ? {} : { context });
      expect(usage.cacheReadTokens).toBe(kept(before));
      expect(usage.inputTokens > 0).toBe(context !== undefined);
      before = usage;
    }
  });

  it('is read where questions are many blocks, more than the API searches back', async () => {
    await ask(first());
    let before = await ask('Why?');
    for (let turn = 0; turn < 3; turn += 1) {
      const blocks = Array.from({ length: 30 }, (_, at) => ({ type: 'text', text: `part ${at}` }) as const);
      const usage = await ask([picture, { type: 'text', text: ' ' }, ...blocks, picture], {
        context: { turn },
      });
      expect(usage.cacheReadTokens).toBe(kept(before));
      before = usage;
    }
  });

  it('is read after an answer failed, and where the last question is asked again', async () => {
    await ask(first());
    const before = await ask('Why?');
    messages.push({ role: 'user', content: 'Lost' });
    relay.simulator.script('overloaded-midway');
    const lost = client.stream({ action: 'chat', messages: [...messages] }).final;
    await expect(lost).rejects.toMatchObject({ code: 'upstream_overloaded' });
    const again = await ask('And now?');
    expect(again.cacheReadTokens).toBeGreaterThan(kept(before));
    messages.splice(-2);
    const repeated = await ask('And now?');
    expect([repeated.cacheReadTokens, repeated.cacheWriteTokens]).toEqual([kept(again), 0]);
  });

  it('is not read after its beginning changed', async () => {
    await ask(first());
    await ask('Why?');
    messages.shift();
    messages.shift();
    expect((await ask(LONG)).cacheReadTokens).toBe(0);
  });
});
