import { describe, expect, it } from 'vitest';
import type { Message, StreamRequest } from '../../src/protocol/frames.ts';
import { parseClientFrame, parseHttpRequest } from '../../src/protocol/parse-client-frame.ts';
import { prepareRequest } from '../../src/run/request.ts';

const action = {
  name: 'chat',
  system: 'Be kind.',
  defaultMaxTokens: 100,
  maxTokens: 200,
  allEvents: false,
  models: undefined,
};
const policyOf = (defaultModel: string) => ({
  actions: new Map([['chat', action]]),
  defaultModel,
  allowedModels: new Set(['claude-haiku-4-5', 'claude-sonnet-5-5']),
});
const user = (content: Message['content']): Message => ({ role: 'user', content });
const assistant = (content: Message['content']): Message => ({ role: 'assistant', content });
const text = (...texts: string[]) => texts.map((each) => ({ type: 'text' as const, text: each }));
const image = {
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: 'AAAA' },
} as const;

const prepare = (
  messages: readonly Message[],
  model = 'claude-sonnet-5-5',
  more: Partial<StreamRequest> = {},
) => prepareRequest({ action: 'chat', messages, ...more }, policyOf(model)).messages;

const refusal = (messages: unknown) => {
  const parsed = parseClientFrame(JSON.stringify({ type: 'start', id: 's1', action: 'chat', messages }));
  return 'error' in parsed ? parsed.error : undefined;
};

describe('a message of nothing but white space', () => {
  it.each([
    ['an assistant’s', [user('a'), assistant(' \n'), user('b')], 1],
    ['an assistant’s block', [user('a'), user('b'), assistant(text('\u3000')), user('c')], 2],
    ['an assistant’s blocks', [user('a'), assistant(text(' ', '\u2028')), user('c')], 1],
    ['a user’s', [user('\u00a0')], 0],
  ])('%s is a bad request that names it', (_, messages, index) => {
    expect(refusal(messages)).toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(new RegExp(`^messages\\.${index}\\.content: .*white space`)),
    });
    expect(() => parseHttpRequest({ action: 'chat', messages })).toThrow(`messages.${index}.content`);
  });

  it('is none with a picture, or with words beside it: only the blank block is left out', () => {
    const messages = [user([image, ...text(' ')]), assistant(text('\n', 'yes', ' ')), user(' b ')];
    expect(refusal(messages)).toBeUndefined();
    expect(prepare(messages)).toEqual([user([image]), assistant(text('yes')), user(' b ')]);
  });

  it('is judged before the context is put in front of it', () => {
    const [asked] = prepare([user(text(' ', 'why?'))], 'claude-sonnet-5-5', { context: { lesson: 3 } });
    expect(asked?.content).toMatchObject([{ text: expect.stringContaining('lesson') }, { text: 'why?' }]);
  });
});

describe('an assistant’s message at the end', () => {
  const prefilled = [user('a'), assistant('Because')];

  it('is a bad request where the model goes on from none, and names it and the model', () => {
    expect(() => prepare(prefilled)).toThrow('messages.1: the last message must be of role user');
    expect(() => prepare(prefilled, 'claude-haiku-4-5', { model: 'claude-sonnet-5-5' })).toThrow(
      'claude-sonnet-5-5',
    );
  });

  it('is gone on from by a model that does', () => {
    expect(prepare(prefilled, 'claude-haiku-4-5')).toEqual(prefilled);
    expect(prepare(prefilled, 'claude-sonnet-5-5', { model: 'claude-haiku-4-5' })).toEqual(prefilled);
  });

  it.each([['Because '], [text('Be', 'cause\u3000')]])('may not end with white space then: %j', (content) => {
    expect(() => prepare([user('a'), assistant(content)], 'claude-haiku-4-5')).toThrow('messages.1');
  });
});
