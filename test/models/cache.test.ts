import { describe, expect, it } from 'vitest';
import { type CacheSettings, cacheBreakpoints, NO_BREAKPOINTS } from '../../src/models/cache.ts';
import { ModelTable } from '../../src/models/model-table.ts';
import type { Message } from '../../src/protocol/frames.ts';

const table = ModelTable.load();
const words = (tokens: number) => 'word'.repeat(tokens);
const user = (content: Message['content']): Message => ({ role: 'user', content });
const assistant = (content: Message['content']): Message => ({ role: 'assistant', content });
const image = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: 'AAAA' },
} as const;

const breakpoints = (
  messages: readonly Message[],
  { system = 'Be kind.', model = 'claude-sonnet-5-5', cache }: CacheSettings & Record<string, string> = {},
) => cacheBreakpoints(table.find(model), cache === undefined ? {} : { cache }, { system, messages });
const at = (...messages: number[]) => messages.map((message) => ({ message, block: 0, ttl: '5m' }));

describe('a conversation', () => {
  const long = [user(words(600)), assistant('Yes.'), user('Why?'), assistant('So.'), user('And then?')];

  it('is marked at its last two questions, so that a turn finds what the one before it wrote', () => {
    expect(breakpoints(long.slice(0, 3))).toEqual({ messages: at(0, 2) });
    expect(breakpoints(long)).toEqual({ messages: at(2, 4) });
  });

  it('is not marked before it goes on, however long its first question is', () => {
    expect(breakpoints([user(words(9000))])).toEqual(NO_BREAKPOINTS);
    expect(breakpoints([user(words(9000)), user('Well?')])).toEqual(NO_BREAKPOINTS);
    expect(breakpoints([user(words(9000)), assistant('Because')])).toEqual(NO_BREAKPOINTS);
  });

  it('is marked at its questions also where words of the assistant stand at its end', () => {
    const prefilled = [...long, assistant('Then')];
    expect(breakpoints(prefilled, { model: 'claude-opus-4-5', system: words(5000) }).messages).toEqual(
      at(2, 4),
    );
  });

  it('is marked at the last block of a question, be it a picture', () => {
    const asked = user([{ type: 'text', text: 'What is this?' }, image]);
    expect(breakpoints([...long.slice(0, 4), asked]).messages).toEqual([
      { message: 2, block: 0, ttl: '5m' },
      { message: 4, block: 1, ttl: '5m' },
    ]);
  });
});

describe('below the floor of the model', () => {
  // The newer tokenizer takes 1.3 tokens where the older one takes one.
  it.each([
    ['claude-sonnet-5-5', 512 / 1.3],
    ['claude-sonnet-5', 1024 / 1.3],
    ['claude-opus-4-7', 2048 / 1.3],
    ['claude-opus-4-6', 4096],
    ['claude-haiku-4-5', 4096],
  ])('nothing is marked for %s', (model, floor) => {
    const conversation = (tokens: number) => [user(words(tokens)), assistant('a'), user('b')];
    const of = (tokens: number) => breakpoints(conversation(tokens), { model, system: '' }).messages;
    expect(of(Math.floor(floor) - 2)).toEqual([]);
    expect(of(Math.ceil(floor))).toEqual(at(0, 2));
  });

  it('an earlier question is not marked where only the newest one is above', () => {
    expect(breakpoints([user('a'), assistant(words(600)), user('b')]).messages).toEqual(at(2));
  });

  it('a picture counts as a small one', () => {
    const [some, more] = [[image], [image, image]].map((images) =>
      breakpoints([user(images), assistant('a'), user('b')], { system: '' }),
    );
    expect(some?.messages).toEqual([]);
    expect(more?.messages).toHaveLength(2);
  });
});

describe('a system prompt', () => {
  const asked = [user('a')];

  it('is marked from the first turn on, where it reaches the floor by itself', () => {
    expect(breakpoints(asked, { system: words(394) })).toEqual({ system: '5m', messages: [] });
    expect(breakpoints(asked, { system: words(393) })).toEqual(NO_BREAKPOINTS);
  });

  it('counts for a conversation that it does not reach the floor without', () => {
    const conversation = [user('word'), assistant('b'), user('c')];
    expect(breakpoints(conversation, { system: words(393) }).messages).toEqual(at(0, 2));
  });
});

describe('the setting of an action', () => {
  const system = words(600);
  const conversation = [user('a'), assistant('b'), user('c')];
  const ttlsOf = (cache: NonNullable<CacheSettings['cache']>) => {
    const found = cacheBreakpoints(
      table.find('claude-sonnet-5-5'),
      { cache },
      { system, messages: conversation },
    );
    return [found.system, ...found.messages.map(({ ttl }) => ttl)];
  };

  it('is for the system prompt and the conversation, or for each', () => {
    expect(ttlsOf('off')).toEqual([undefined]);
    expect(ttlsOf('5m')).toEqual(['5m', '5m', '5m']);
    expect(ttlsOf('1h')).toEqual(['1h', '1h', '1h']);
    expect(ttlsOf({ system: '1h' })).toEqual(['1h', '5m', '5m']);
    expect(ttlsOf({ system: 'off', history: '1h' })).toEqual([undefined, '1h', '1h']);
    expect(ttlsOf({ history: 'off' })).toEqual(['5m']);
  });

  it('marks nothing for a model that is not in the table', () => {
    expect(breakpoints(conversation, { model: 'model-of-a-gateway', system })).toEqual(NO_BREAKPOINTS);
  });
});
