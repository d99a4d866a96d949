/** What a run asks for, and what it is refused for. */
import { expect, it } from 'vitest';
import { streamIdOf } from '../../src/ag-ui/message-ids.ts';
import { readRunInput } from '../../src/ag-ui/run-input.ts';
import { parseHttpRequest } from '../../src/protocol/parse-client-frame.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';

const ASKED = { id: 'm1', role: 'user', content: 'Why?' };
const STREAM = streamIdOf('thread', 'run');
const PNG = 'iVBORw0KGgo=';

function inputOf(fields: object = {}): Record<string, unknown> {
  return {
    threadId: 'thread',
    runId: 'run',
    messages: [ASKED],
    forwardedProps: { action: 'chat' },
    ...fields,
  };
}

/** The code and the message, or what was asked of the relay. */
function read(body: unknown): unknown {
  try {
    const { request, held } = readRunInput(body);
    return { ...parseHttpRequest(request), held };
  } catch (error) {
    const { code, message } = RelayError.from(error);
    return `${code}: ${message}`;
  }
}

it('everything that the library sends by itself is taken, and what it adds later is ignored', () => {
  const asked = read(
    inputOf({
      protocolVersion: '1.0',
      state: { mood: 'good' },
      tools: [],
      context: [],
      resume: [],
      parentRunId: 'before',
      fieldOfTomorrow: 1,
    }),
  );
  expect(asked).toEqual({
    id: STREAM,
    held: { units: 0, epoch: undefined },
    request: { action: 'chat', onDisconnect: 'cancel', messages: [{ role: 'user', content: 'Why?' }] },
  });
});

it('null is as good as nothing: clients of other languages write what they leave out', () => {
  const nothing = { parentRunId: null, state: null, tools: null, context: null, resume: null };
  const ofMessage = { name: null, encryptedValue: null, metadata: null, subagentRunId: null };
  const source = { type: 'file', value: 'upload-1', provider: null, mimeType: null };
  const input = inputOf({
    ...nothing,
    messages: [
      { ...ASKED, ...ofMessage },
      { id: 'a1', role: 'assistant', content: null, toolCalls: null, ...ofMessage },
      { id: 'a2', role: 'assistant', content: 'Because.', toolCalls: null, ...ofMessage },
      {
        id: 'm2',
        role: 'user',
        content: [{ type: 'image', id: null, source, metadata: null }],
        ...ofMessage,
      },
    ],
    forwardedProps: { action: 'chat', model: null, maxTokens: null, system: null, temperature: null },
  });
  expect(read(input)).toEqual({
    id: STREAM,
    held: { units: 0, epoch: undefined },
    request: {
      action: 'chat',
      onDisconnect: 'cancel',
      messages: [
        { role: 'user', content: 'Why?' },
        { role: 'assistant', content: 'Because.' },
        { role: 'user', content: [{ type: 'image', source: { type: 'upload', id: 'upload-1' } }] },
      ],
    },
  });
});

it('settings come from forwardedProps, what surrounds the question is data', () => {
  const forwardedProps = {
    action: 'chat',
    model: 'claude-sonnet-5-5',
    maxTokens: 10,
    parameters: { grade: 5 },
    onDisconnect: 'resume',
    notify: 'absent',
  };
  const context = [{ description: 'the page', value: 'fractions' }];
  expect(read(inputOf({ forwardedProps, context }))).toMatchObject({
    request: { ...forwardedProps, context: { context } },
  });
});

it('a stream is named by its thread and run alone, and holds no word of them', () => {
  expect(STREAM).toMatch(/^agui-[A-Za-z0-9_-]{22}$/);
  expect(new Set([STREAM, streamIdOf('thread', 'run2'), streamIdOf('thread"', 'run')]).size).toBe(3);
});

it('an answer comes back without what is not for the model: what was thought, calls of tools, what was discarded', () => {
  const refusal = { category: 'bio', partial: true };
  const messages = [
    { ...ASKED, fieldOfTomorrow: 1 },
    { id: 'a1.thought-0', role: 'reasoning', content: 'Well.' },
    { id: 'a1', role: 'assistant', content: 'Because.', toolCalls: [] },
    { id: 'a2', role: 'assistant', content: 'Half', metadata: { 'dash-relay': { refusal } } },
    { id: 'a3', role: 'assistant' },
    { id: 'a1.tool-1', role: 'activity', activityType: 'tool', content: { name: 'books', state: 'done' } },
    { id: 'm2', role: 'user', content: [{ type: 'text', text: 'And?', id: 'p1' }] },
  ];
  expect(read(inputOf({ messages }))).toMatchObject({
    request: {
      messages: [
        { role: 'user', content: 'Why?' },
        { role: 'assistant', content: 'Because.' },
        { role: 'user', content: [{ type: 'text', text: 'And?' }] },
      ],
    },
  });
});

it('who holds a part of this answer asks the same, from there on', () => {
  const own = { id: STREAM, role: 'assistant', content: 'Sunlight 🎉' };
  const metadata = { 'dash-relay': { epoch: 'wBf2nJ0cXk3rT9aQ' } };
  for (const [held, epoch] of [
    [own, undefined],
    [{ ...own, metadata }, 'wBf2nJ0cXk3rT9aQ'],
    [{ ...own, metadata: { 'dash-relay': null } }, undefined],
    [{ ...own, metadata: { 'dash-relay': { epoch: 7 } } }, undefined],
  ] as const) {
    const asked = read(inputOf({ messages: [ASKED, held] }));
    expect(asked).toEqual({ ...(read(inputOf()) as object), held: { units: 11, epoch } });
  }
});

it('images and files are what 1.0 has for them', () => {
  const parts = [
    { type: 'image', source: { type: 'data', value: PNG, mimeType: 'image/png' } },
    { type: 'image', source: { type: 'file', value: 'upload-1' } },
    { type: 'document', source: { type: 'file', value: 'upload-2', provider: 'dash-relay' } },
    { type: 'text', text: 'These?' },
  ];
  expect(read(inputOf({ messages: [{ ...ASKED, content: parts }] }))).toMatchObject({
    request: {
      messages: [
        {
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
            { type: 'image', source: { type: 'upload', id: 'upload-1' } },
            { type: 'document', source: { type: 'upload', id: 'upload-2' } },
            { type: 'text', text: 'These?' },
          ],
        },
      ],
    },
  });
});

const part = (content: unknown) => inputOf({ messages: [{ ...ASKED, content }] });
const message = (fields: object) => inputOf({ messages: [{ ...ASKED, ...fields }] });
const image = (source: unknown) => part([{ type: 'image', source }]);

it.each([
  ['system', message({ role: 'system' }), /^bad_request: messages\.0: system .* `system` of an action/],
  [
    'developer',
    message({ role: 'developer' }),
    /^bad_request: messages\.0: developer .*forwardedProps\.action/,
  ],
  [
    'tool result',
    message({ role: 'tool', toolCallId: 'c' }),
    /^unsupported: messages\.0: tools of the client/,
  ],
  ['tool calls', message({ role: 'assistant', toolCalls: [{}] }), /^unsupported: messages\.0: tools of the/],
  ['tools', inputOf({ tools: [{ name: 'x', description: '' }] }), /^unsupported: tools: .*names them$/],
  ['interrupts', inputOf({ resume: [{ interruptId: 'i' }] }), /^unsupported: resume/],
  ['a url', image({ type: 'url', value: 'https://example.com/a.png' }), /^unsupported: .*POST \/v1\/uploads/],
  ['a svg', image({ type: 'data', value: PNG, mimeType: 'image/svg+xml' }), /^unsupported/],
  ['another provider', image({ type: 'file', value: 'f', provider: 'openai' }), /^unsupported/],
  ['not base64', image({ type: 'data', value: '!', mimeType: 'image/png' }), /^bad_request/],
  ['a poisoned upload', image({ type: 'file', value: '../x' }), /^bad_request/],
  [
    'audio',
    part([{ type: 'audio', source: { type: 'data', value: '', mimeType: 'audio/mp3' } }]),
    /^unsupported/,
  ],
  ['no source', part([{ type: 'image' }]), /^bad_request: messages\.0: source/],
  ['nothing in a part', part([null]), /^bad_request: messages\.0\.content\.0/],
  ['a part without type', part([{}]), /^bad_request/],
  ['text without text', part([{ type: 'text', text: 1 }]), /^bad_request/],
  ['content that is none', part(7), /^bad_request/],
  ['empty text', part(''), /^bad_request/],
  ['no role', message({ role: undefined }), /^bad_request: messages\.0\.role/],
  ['an inherited role', message({ role: 'constructor' }), /^bad_request: messages\.0\.role/],
  ['no message', inputOf({ messages: [] }), /^bad_request/],
  ['no messages', inputOf({ messages: {} }), /^bad_request: messages/],
  ['messages of nothing', inputOf({ messages: [null] }), /^bad_request: messages\.0/],
  ['no body', null, /^bad_request: the body/],
  ['a list', [], /^bad_request: the body/],
  ['no thread', inputOf({ threadId: undefined }), /^bad_request: threadId/],
  ['an empty run', inputOf({ runId: '' }), /^bad_request: runId/],
  ['a long run', inputOf({ runId: 'r'.repeat(257) }), /^bad_request: runId/],
  ['tools of another kind', inputOf({ tools: {} }), /^bad_request: tools/],
  ['no action', inputOf({ forwardedProps: {} }), /^bad_request: forwardedProps\.action/],
  ['no settings', inputOf({ forwardedProps: null }), /^bad_request: forwardedProps\.action/],
  ['a list of settings', inputOf({ forwardedProps: [] }), /^bad_request: forwardedProps/],
  ...Object.entries({ system: 'x', tools: [], id: 'x', messages: [], context: 'x', events: 'all' }).map(
    ([name, value]) =>
      [
        `forwarded ${name}`,
        inputOf({ forwardedProps: { action: 'chat', [name]: value } }),
        new RegExp(`^bad_request: forwardedProps\\.${name}: `),
      ] as const,
  ),
  [
    'a field of no door',
    inputOf({ forwardedProps: { action: 'chat', onDisconect: 1 } }),
    /takes action, .*onDisconnect/,
  ],
  [
    'a wrong setting',
    inputOf({ forwardedProps: { action: 'chat', onDisconnect: 'x' } }),
    /^bad_request: onDisconnect/,
  ],
  [
    'a poisoned setting',
    JSON.parse(JSON.stringify(inputOf()).replace('"action"', '"__proto__":{},"action"')),
    /^bad_request: forwardedProps/,
  ],
  ['context of no text', inputOf({ context: [{ description: 'x', value: {} }] }), /^bad_request: context\.0/],
  [
    'large context',
    inputOf({ context: [{ description: 'x', value: 'y'.repeat(17_000) }] }),
    /^too_large: context/,
  ],
] as const)('is refused for %s', (_what, body, refusal) => {
  expect(read(body)).toMatch(refusal);
});
