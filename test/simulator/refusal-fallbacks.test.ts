/** Another model in the place of one that declines, within one message: what the API takes, and how it tells and bills it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { eventsOf, HEADERS, post, question } from './ask.ts';

const BETA: typeof HEADERS = { ...HEADERS, 'anthropic-beta': 'server-side-fallback-2026-07-01' };
const OPUS = 'claude-opus-5-5';
const SONNET = 'claude-sonnet-5-5';
const HAIKU = 'claude-haiku-5-5';

describe('fallbacks of the simulated API', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator({ pace: UNPACED });
  });
  afterAll(() => simulator.close());

  const ask = (model: string, fields: object, headers = BETA) =>
    post(`${simulator.url}/v1/messages`, { ...question('Why?', model), ...fields }, headers);

  it.each([
    ['are unknown without the beta', 400, SONNET, 'default', HEADERS],
    ['are taken by the beta', 200, SONNET, 'default', BETA],
    ['are nobody', 200, HAIKU, 'default', BETA],
    ['are no list for a model that takes none', 400, HAIKU, [{ model: SONNET }], BETA],
    ['are no list for a model that takes the default alone', 400, SONNET, [{ model: OPUS }], BETA],
    ['are a list', 200, OPUS, [{ model: SONNET, max_tokens: 100, thinking: null }], BETA],
    ['are no empty list', 400, OPUS, [], BETA],
    ['are no more than three', 400, OPUS, Array.from({ length: 4 }, () => ({ model: SONNET })), BETA],
    ['are models', 400, OPUS, [{ model: 'nobody' }], BETA],
    ['have no other fields', 400, OPUS, [{ model: SONNET, temperature: 1 }], BETA],
    ['are no other word', 400, OPUS, 'any', BETA],
  ])('%s: %d', async (_, status, model, fallbacks, headers) => {
    expect((await ask(model, { fallbacks }, headers)).status).toBe(status);
  });

  it('answer in the place of a model that declines before a word, which is not charged', async () => {
    simulator.script('refusal');
    const { text } = await ask(OPUS, { fallbacks: [{ model: SONNET }] });
    const message = JSON.parse(text);
    expect(message).toMatchObject({ model: SONNET, stop_reason: 'end_turn', stop_details: null });
    expect(message.content[0]).toEqual({
      type: 'fallback',
      from: { model: OPUS },
      to: { model: SONNET },
      trigger: { type: 'refusal', category: 'cyber' },
    });
    expect(message.content.at(-1)).toMatchObject({ type: 'text' });
    const { output_tokens, iterations } = message.usage;
    expect(iterations).toMatchObject([
      { type: 'message', model: OPUS, output_tokens: 0 },
      { type: 'fallback_message', model: SONNET, output_tokens },
    ]);
  });

  it('go on where a model declines midway, and the whole counts the last of them alone', async () => {
    simulator.script('refusal-midway');
    const { text } = await ask(OPUS, { fallbacks: 'default', stream: true });
    const events = eventsOf(text);
    expect(events[0]).toMatchObject({ message: { model: OPUS } });
    expect(events.filter(({ type }) => type === 'content_block_start')).toMatchObject(
      ['thinking', 'text', 'fallback', 'thinking', 'text'].map((type) => ({ content_block: { type } })),
    );
    const some = expect.toSatisfy((tokens: number) => tokens > 0);
    expect(events.find(({ type }) => type === 'message_delta')).toMatchObject({
      usage: {
        iterations: [
          { type: 'message', model: OPUS, output_tokens: some },
          { type: 'fallback_message', model: SONNET, output_tokens: some },
        ],
      },
    });
  });

  it('have no say where no model declines, or nobody is asked', async () => {
    expect(JSON.parse((await ask(OPUS, { fallbacks: 'default' })).text).usage.iterations).toBeUndefined();
    simulator.script('refusal');
    expect(JSON.parse((await ask(HAIKU, { fallbacks: 'default' })).text)).toMatchObject({
      stop_reason: 'refusal',
      model: HAIKU,
    });
  });
});
