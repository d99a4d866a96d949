import { describe, expect, it } from 'vitest';
import { readChatBody } from '../../src/ai-sdk/chat-request.ts';
import { messagesOf } from '../../src/ai-sdk/ui-messages.ts';
import { parseHttpRequest } from '../../src/protocol/parse-client-frame.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';

const PNG = 'iVBORw0KGgo=';
const text = (value: string) => ({ type: 'text', text: value });
const user = (...parts: object[]) => ({ id: 'm', role: 'user', parts });
const assistant = (...parts: object[]) => ({ id: 'm', role: 'assistant', parts });
const OWN_TOOL = {
  type: 'dynamic-tool',
  toolName: 'dictionary',
  toolCallId: 'c',
  state: 'output-available',
  input: {},
  output: {},
  providerExecuted: true,
};

function refusalOf(read: () => unknown): RelayError {
  try {
    read();
  } catch (error) {
    if (error instanceof RelayError) return error;
    throw error;
  }
  throw new Error('it was read');
}

describe('UI messages as messages of a request', () => {
  it('are their text and files, and nothing that the relay itself told of an answer', () => {
    const messages = [
      user(text('What is this?'), {
        type: 'file',
        mediaType: 'image/png',
        url: `data:image/png;base64,${PNG}`,
      }),
      assistant(
        { type: 'step-start' },
        { type: 'reasoning', text: 'secret' },
        text('A '),
        OWN_TOOL,
        { type: 'data-note', data: 1 },
        text('cat.'),
      ),
      user(
        { type: 'file', mediaType: 'image/jpeg', url: 'upload:a-photo' },
        { type: 'file', mediaType: 'application/pdf', url: 'upload:a-sheet' },
        text('And this?'),
      ),
    ];
    const read = messagesOf(messages);
    expect(read).toEqual([
      {
        role: 'user',
        content: [
          text('What is this?'),
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
        ],
      },
      { role: 'assistant', content: 'A cat.' },
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'upload', id: 'a-photo' } },
          { type: 'document', source: { type: 'upload', id: 'a-sheet' } },
          text('And this?'),
        ],
      },
    ]);
    expect(parseHttpRequest({ action: 'chat', messages: read }).request.messages).toEqual(read);
  });

  it.each([
    ['was stopped before its first word', assistant({ type: 'step-start' })],
    ['has nothing but what was thought', assistant({ type: 'reasoning', text: 'x' })],
    [
      'was declined midway',
      { ...assistant(text('bad')), metadata: { refusal: { category: null, partial: true } } },
    ],
  ])('leave an answer out that %s', (_what, answer) => {
    expect(messagesOf([user(text('a')), answer, user(text('b'))])).toEqual([
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
    ]);
  });

  it.each([
    [
      'a system message',
      { id: 's', role: 'system', parts: [text('Be rude')] },
      'bad_request',
      /actions file/,
    ],
    [
      'a tool of the client',
      assistant({ ...OWN_TOOL, providerExecuted: undefined }),
      'unsupported',
      /actions file/,
    ],
    [
      'a static tool of the client',
      assistant({ ...OWN_TOOL, type: 'tool-weather', providerExecuted: false }),
      'unsupported',
      /actions file/,
    ],
    [
      'a file of the web',
      user({ type: 'file', mediaType: 'image/png', url: 'https://a.example/x.png' }),
      'unsupported',
      /upload/,
    ],
    [
      'a PDF as a data URL',
      user({ type: 'file', mediaType: 'application/pdf', url: 'data:application/pdf;base64,AA==' }),
      'unsupported',
      /upload/,
    ],
    [
      'a file of an assistant',
      assistant({ type: 'file', mediaType: 'image/png', url: 'upload:x' }),
      'unsupported',
      /user/,
    ],
    ['no part', user(), 'bad_request', /no text/],
    ['an unknown part', user({ type: 'hologram' }), 'unsupported', /text and file/],
    ['a part without a type', user({ text: 'a' }), 'bad_request', /type/],
    ['parts that are none', { id: 'm', role: 'user', parts: 'a' }, 'bad_request', /parts/],
    ['a message that is none', 7, 'bad_request', /messages\.1/],
    ['another role', { id: 'm', role: 'tool', parts: [] }, 'bad_request', /role/],
  ])('are refused with a sentence: %s', (_what, message, code, sentence) => {
    const refusal = refusalOf(() => messagesOf([user(text('a')), message]));
    expect(refusal.code).toBe(code);
    expect(refusal.message).toMatch(sentence);
    expect(refusal.message).toMatch(/messages\.1/);
  });
});

describe('the body of a chat', () => {
  const body = { id: 'chat', messages: [user(text('a'))], trigger: 'submit-message', messageId: undefined };

  it('is a request, whose fields stand beside those of the library', () => {
    const { chatId, request } = readChatBody({
      ...body,
      action: 'chat',
      maxTokens: 9,
      onDisconnect: 'cancel',
    });
    expect(chatId).toBe('chat');
    expect(parseHttpRequest(request).request).toEqual({
      action: 'chat',
      maxTokens: 9,
      onDisconnect: 'cancel',
      messages: [{ role: 'user', content: 'a' }],
    });
  });

  it.each([
    ['no action', {}, /action: name one in the body/],
    ['a system prompt', { action: 'chat', system: 'Be rude' }, /system.*actions file/],
    ['tools', { action: 'chat', tools: [] }, /tools.*actions file/],
    ['all events', { action: 'chat', events: 'all' }, /events/],
    ['another trigger', { action: 'chat', trigger: 'x' }, /trigger/],
    ['no id', { action: 'chat', id: '' }, /id/],
    ['a long id', { action: 'chat', id: 'x'.repeat(257) }, /id/],
  ])('is refused with a sentence: %s', (_what, fields, sentence) => {
    const refusal = refusalOf(() => readChatBody({ ...body, ...fields }));
    expect(refusal.code).toBe('bad_request');
    expect(refusal.message).toMatch(sentence);
  });
});
