/** What a client sends as text: frames, bodies of requests in each shape, reports of metrics. */
import assert from 'node:assert/strict';
import { readRunInput } from '../../../src/ag-ui/run-input.ts';
import { readChatFrame } from '../../../src/ai-sdk/chat-frames.ts';
import { readChatBody } from '../../../src/ai-sdk/chat-request.ts';
import { readOldBody } from '../../../src/legacy/old-body.ts';
import {
  type ParsedFrame,
  parseClientFrame,
  parseHttpRequest,
  requireBoundedBody,
} from '../../../src/protocol/parse-client-frame.ts';
import { parseReportBatch } from '../../../src/protocol/parse-streaming-metrics.ts';
import { METRICS_EVENT } from '../../../src/protocol/streaming-metrics.ts';
import { type FuzzTarget, subject } from '../fuzz-target.ts';
import { readOrRefused, requireRefusal } from '../refused.ts';

const actions = {
  has: (name: string) => name === 'chat' || name === 'homework_help',
  parameter: () => undefined,
};
const question = { action: 'chat', messages: [{ role: 'user', content: 'Why is the sky blue?' }] };
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };

const CORPUS: readonly unknown[] = [
  {
    threadId: 't',
    runId: 'r',
    protocolVersion: '1.0',
    state: {},
    tools: [],
    context: [{ description: 'the page', value: 'fractions' }],
    forwardedProps: { action: 'chat', onDisconnect: 'resume', maxTokens: 7 },
    messages: [
      { id: '1', role: 'user', content: [{ type: 'text', text: 'Why?' }] },
      { id: '2', role: 'reasoning', content: 'Hm.' },
      {
        id: '3',
        role: 'assistant',
        content: 'So.',
        metadata: { 'dash-relay': { refusal: { partial: true } } },
      },
      { id: '4', role: 'activity', activityType: 'tool', content: {} },
      {
        id: '5',
        role: 'user',
        content: [
          { type: 'image', source: { type: 'data', value: 'iVBORw0KGgo=', mimeType: 'image/png' } },
          { type: 'document', source: { type: 'file', value: 'an-upload', provider: 'dash-relay' } },
        ],
      },
    ],
  },
  { type: 'start', id: 'a-stream', ...question },
  {
    type: 'start',
    id: 'a-stream',
    ...question,
    context: { a: [{ b: 1 }], c: 'd' },
    parameters: { grade: 4, language: 'de', brief: true },
    model: 'claude-sonnet-5-5',
    maxTokens: 100,
    events: 'all',
    onDisconnect: 'cancel',
  },
  {
    type: 'start',
    id: 'b',
    action: 'chat',
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'What is this?' }, image] },
      { role: 'assistant', content: 'A dot.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: ' ' },
          { type: 'text', text: 'Sure?' },
        ],
      },
    ],
  },
  question,
  { type: 'cancel', id: 'a-stream' },
  { type: 'resume', id: 'a-stream', epoch: 'wBf2nJ0cXk3rT9aQ', after: 3 },
  { type: 'ack', id: 'a-stream', seq: 41 },
  { type: 'auth', token: 'eyJhbGciOiJFUzI1NiJ9.e30.AA' },
  { type: 'ping', t: 1 },
  { type: 'ping' },
  {
    service_type: 'homework_help',
    payload: { prompt: 'Why?', images: [{ data: '/9j/4AAQ' }], max_tokens: 20 },
    stream: true,
  },
  {
    action: 'grading_assistance_stream',
    submission: 'My essay',
    rubric: ['a', 'b'],
    gradeLevel: 4,
    language: 'en',
  },
  {
    action: 'lesson_generation',
    subject: 'Fractions',
    gradeLevel: 5,
    duration: 45,
    learningObjectives: ['a'],
  },
  {
    messages: [
      {
        role: 'user',
        content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo' } }],
      },
    ],
  },
  { action: 'health' },
  {
    type: 'send',
    requestId: 'r',
    id: 'chat',
    trigger: 'submit-message',
    headers: { authorization: 'Bearer x' },
    body: { action: 'chat' },
    messages: [
      {
        id: 'q',
        role: 'user',
        parts: [{ type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AA==' }],
      },
      {
        id: 'a',
        role: 'assistant',
        parts: [
          { type: 'text', text: 'A dot.' },
          { type: 'reasoning', text: 'b' },
        ],
      },
    ],
  },
  { id: 'chat', action: 'chat', messages: [{ id: 'q', role: 'user', parts: [{ type: 'text', text: 'a' }] }] },
  { type: 'resume', requestId: 'r', id: 'chat', lastSequence: 3, headers: {}, body: {} },
  {
    events: [
      {
        event: METRICS_EVENT,
        first_token_ms: 500,
        total_duration_ms: 2000,
        chunks_received: 10,
        bytes_streamed: 100,
        platform: 'web',
        transport: 'sse',
        status: 'error',
        code: 'unreachable',
        resumes: 1,
      },
    ],
    lost: 2,
  },
];

export const clientFrames: FuzzTarget = {
  name: 'client frames',
  corpus: CORPUS.map((each) => JSON.stringify(each)),
  words: [
    '"type":"start"',
    '"__proto__":{"tier":"enterprise"}',
    '"system":"obey"',
    '"role":"system"',
    '"content":[]',
  ],
  cases: 400,
  open: () => subject(check),
};

function check(input: string): void {
  requireParsed(parseClientFrame(input));
  const value = valueIn(input);
  if (value === undefined) return;
  readOrRefused(() => parseHttpRequest(value));
  readOrRefused(() => parseReportBatch(value));
  const chat = readOrRefused(() => readChatBody(value));
  if (chat !== undefined) readOrRefused(() => parseHttpRequest(chat.request));
  if (typeof value === 'object' && value !== null) readOrRefused(() => readChatFrame({ ...value }));
  const run = readOrRefused(() => readRunInput(value));
  if (run !== undefined) {
    assert.ok(Number.isSafeInteger(run.held.units) && run.held.units >= 0);
    readOrRefused(() => parseHttpRequest(run.request));
  }
  for (const old of ['ai-gateway', 'ai-proxy'] as const) {
    const body = readOrRefused(() => readOldBody(old, value, actions));
    if (body?.asks === 'answer') readOrRefused(() => parseHttpRequest(body.request));
    else if (body?.asks === 'elsewhere') requireRefusal(body.error);
  }
}

function requireParsed(parsed: ParsedFrame): void {
  if ('error' in parsed) {
    requireRefusal(parsed.error);
    assert.equal(
      parsed.id === undefined,
      parsed.of === undefined,
      'an error is about a frame of a stream, or about none',
    );
    return;
  }
  const { frame } = parsed;
  if (frame.type !== 'start') return;
  assert.ok(frame.messages.length >= 1 && frame.messages.length <= 500);
  assert.ok(frame.messages.some(({ role }) => role === 'user'));
  assert.equal(Object.hasOwn(frame, '__proto__'), false);
}

/** As a body is parsed: bounds first. Undefined where nothing reaches a route. */
function valueIn(input: string): unknown {
  if (readOrRefused(() => requireBoundedBody(input) ?? true) === undefined) return undefined;
  try {
    return JSON.parse(input);
  } catch {
    return undefined;
  }
}
