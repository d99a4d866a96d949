import { describe, expect, it } from 'vitest';
import { ModelTable } from '../../src/models/model-table.ts';
import type { Message, StreamRequest } from '../../src/protocol/frames.ts';
import { parseClientFrame, parseHttpRequest } from '../../src/protocol/parse-client-frame.ts';
import { prepareRequest } from '../../src/run/request.ts';
import { principalOf } from '../support/fake-authenticator.ts';

const action = {
  name: 'chat',
  system: 'Be kind.',
  defaultMaxTokens: 100,
  maxTokens: 200,
  allEvents: false,
  thinking: 'off' as const,
  models: undefined,
};
const policyOf = (defaultModel: string) => ({
  actionsOf: () => ({ plan: 'free', actions: new Map([['chat', action]]) }),
  defaultModel,
  allowedModels: new Set(['claude-haiku-4-5', 'claude-sonnet-5-5']),
  models: ModelTable.load(),
  userHash: () => 'hash',
});
const ANYBODY = principalOf('3f2b1c9e-0a4d-4b7e-9c55-1d2e3f405162');
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
) =>
  prepareRequest({ action: 'chat', messages, ...more }, ANYBODY, policyOf(model), Date.parse('2026-11-28'))
    .messages;

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

  it('is judged before the context is put after it', () => {
    const [asked] = prepare([user(text(' ', 'why?'))], 'claude-sonnet-5-5', { context: { lesson: 3 } });
    expect(asked?.content).toMatchObject([{ text: 'why?' }, { text: expect.stringContaining('lesson') }]);
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

  it.each(['on', { effort: 'low' }] as const)(
    'is a bad request where the model thinks first: %j',
    (thinking) => {
      const policy = {
        ...policyOf('claude-haiku-4-5'),
        actionsOf: () => ({ plan: 'free', actions: new Map([['chat', { ...action, thinking }]]) }),
      };
      const prepareThinking = (messages: readonly Message[]) =>
        prepareRequest({ action: 'chat', messages }, ANYBODY, policy, 0).messages;
      expect(() => prepareThinking(prefilled)).toThrow('messages.1: the last message must be of role user');
      expect(prepareThinking([user('a')])).toEqual([user('a')]);
    },
  );

  it('is a bad request where the answer has a format: there is nothing to go on with', () => {
    const outputFormat = { type: 'json_schema', schema: { type: 'object' } } as const;
    const policy = {
      ...policyOf('claude-haiku-4-5'),
      actionsOf: () => ({ plan: 'free', actions: new Map([['chat', { ...action, outputFormat }]]) }),
    };
    const prepareFormatted = (messages: readonly Message[]) =>
      prepareRequest({ action: 'chat', messages }, ANYBODY, policy, 0);
    expect(() => prepareFormatted(prefilled)).toThrow('messages.1: the last message must be of role user');
    expect(prepareFormatted([user('a')])).toMatchObject({ outputFormat });
  });

  it.each([['Because '], [text('Be', 'cause\u3000')]])('may not end with white space then: %j', (content) => {
    expect(() => prepare([user('a'), assistant(content)], 'claude-haiku-4-5')).toThrow('messages.1');
  });
});

describe('an id with a date', () => {
  const start = (model: string, allowed: readonly string[], models?: string[]) => {
    const policy = {
      ...policyOf('claude-sonnet-5-5'),
      allowedModels: new Set(allowed),
      actionsOf: () => ({ plan: 'free', actions: new Map([['chat', { ...action, models }]]) }),
    };
    return prepareRequest({ action: 'chat', messages: [user('hi')], model }, ANYBODY, policy, 0).model;
  };
  const PLAIN = 'claude-haiku-4-5';
  const DATED = 'claude-haiku-4-5-20251001';

  it.each([
    ['is the one without, and asked as the server names it', DATED, [PLAIN], undefined, PLAIN],
    ['likewise where the server names the date', PLAIN, [DATED], undefined, DATED],
    ['is asked as it is where the server allows both', DATED, [PLAIN, DATED], undefined, DATED],
    ['is one of the models of the action', DATED, [PLAIN, 'claude-sonnet-5-5'], [PLAIN], PLAIN],
  ])('%s', (_, model, allowed, models, asked) => {
    expect(start(model, allowed, models)).toBe(asked);
  });

  it.each([
    ['the one without is not allowed', DATED, ['claude-sonnet-5-5'], undefined],
    ['the action has other models', DATED, [PLAIN], ['claude-sonnet-5-5']],
    ['what follows is no date', `${PLAIN}-2025`, [PLAIN], undefined],
  ])('is refused where %s', (_, model, allowed, models) => {
    expect(() => start(model, allowed, models)).toThrow('model: not one');
  });
});

describe('a model that retires', () => {
  const retiring = { ...policyOf('claude-sonnet-4-5'), allowedModels: new Set(['claude-sonnet-4-5']) };
  const start = (model: string | undefined, now: string, models?: readonly string[]) => {
    const chat = { ...action, models: models === undefined ? undefined : [...models] };
    const policy = { ...retiring, actionsOf: () => ({ plan: 'free', actions: new Map([['chat', chat]]) }) };
    const request = { action: 'chat', messages: [user('hi')], ...(model === undefined ? {} : { model }) };
    return prepareRequest(request, ANYBODY, policy, Date.parse(now)).model;
  };

  it('answers until its last day', () => {
    expect(start('claude-sonnet-4-5', '2026-11-29T23:59:59Z')).toBe('claude-sonnet-4-5');
    expect(start(undefined, '2026-11-29T23:59:59Z')).toBe('claude-sonnet-4-5');
  });

  it('is refused by its name from then on, and another of the action takes its place as the default', () => {
    expect(() => start('claude-sonnet-4-5', '2026-11-30T00:00:00Z')).toThrow(
      'model: claude-sonnet-4-5 is retired; leave it out for the default',
    );
    expect(() => start('claude-sonnet-4-5-20250929', '2026-11-30T00:00:00Z')).toThrow('is retired');
    expect(start(undefined, '2026-11-30', ['claude-sonnet-4-5', 'claude-haiku-4-5'])).toBe(
      'claude-haiku-4-5',
    );
    expect(() => start(undefined, '2026-11-30')).toThrow('every model of this action is retired');
  });
});

describe('a fallback', () => {
  const NOW = '2026-11-28';
  const prepared = (
    { fallback = 'claude-haiku-4-5', messages = [user('hi')], model = 'claude-sonnet-5-5', more = {} },
    now = NOW,
  ) => {
    const chat = { ...action, thinking: { effort: 'low' as const }, thinkingTokens: 2000, fallback, ...more };
    const policy = {
      ...policyOf('claude-sonnet-5-5'),
      actionsOf: () => ({ plan: 'free', actions: new Map([['chat', chat]]) }),
    };
    return prepareRequest({ action: 'chat', messages, model }, ANYBODY, policy, Date.parse(now));
  };

  it('is prepared in its own words: how it thinks, and what it can give', () => {
    expect(prepared({})).toMatchObject({
      model: 'claude-sonnet-5-5',
      thinking: { output_config: { effort: 'low' } },
      maxTokens: 2100,
      fallback: {
        model: 'claude-haiku-4-5',
        thinking: { thinking: { type: 'enabled', budget_tokens: 2000 } },
        maxTokens: 2100,
      },
    });
  });

  it.each([
    ['is the model that is asked', { model: 'claude-haiku-4-5' }, NOW],
    ['is retired by now', { fallback: 'claude-opus-4-5' }, '2027-01-22'],
    [
      'goes on from no words of the assistant',
      {
        fallback: 'claude-opus-5',
        model: 'claude-haiku-4-5',
        messages: [user('a'), assistant('Because')],
        more: { thinking: 'off' },
      },
      NOW,
    ],
  ])('is left out where it %s', (_, request, now) => {
    expect(prepared(request, now)).not.toHaveProperty('fallback');
  });
});

describe('thinking', () => {
  it('is off where an action says nothing else, in the words of the model, and the text has all tokens', () => {
    const of = (model: string) =>
      prepareRequest({ action: 'chat', messages: [user('hi')] }, ANYBODY, policyOf(model), 0);
    expect(of('claude-sonnet-5-5')).toMatchObject({
      thinking: { thinking: { type: 'between_tools' } },
      maxTokens: 100,
    });
    expect(of('claude-haiku-4-5')).toMatchObject({ thinking: {}, maxTokens: 100 });
  });

  it('adds to the tokens of the text what may be thought', () => {
    const policy = {
      ...policyOf('claude-sonnet-5-5'),
      actionsOf: () => ({
        plan: 'free',
        actions: new Map([
          ['chat', { ...action, thinking: { effort: 'low' as const }, thinkingTokens: 2000 }],
        ]),
      }),
    };
    expect(prepareRequest({ action: 'chat', messages: [user('hi')] }, ANYBODY, policy, 0)).toMatchObject({
      thinking: { output_config: { effort: 'low' } },
      maxTokens: 2100,
    });
  });
});
