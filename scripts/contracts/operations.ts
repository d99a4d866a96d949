/**
 * What each route takes and answers, by the name it has in `src/http/routes/routes.ts`. What every route may answer besides, and
 * what follows from who may ask, is `open-api.ts`'s. A test compares the names, and who may ask, with the routes of a relay.
 *
 * Pages for people (`GET /`, `GET /demo/:file`) are left out; other routes of development are here and say so.
 */
import { MAX_CHAT_ID } from '../../src/ai-sdk/chat-request.ts';
import type { Access } from '../../src/http/routes/routes.ts';
import type { ErrorCode } from '../../src/protocol/codes.ts';
import { type JsonSchema, oneOf, refTo } from './json-schema.ts';

export interface Content {
  readonly [mediaType: string]: JsonSchema;
}

/** Headers of answers. */
export const HEADERS = {
  RequestId: { name: 'x-request-id', says: "Names the request in the operator's log.", type: 'string' },
  RetryAfter: {
    name: 'Retry-After',
    says: 'Seconds. Absent where another try would not help, or nobody knows.',
    type: 'integer',
  },
  WwwAuthenticate: { name: 'WWW-Authenticate', says: '`Bearer`.', type: 'string' },
  Upgrade: { name: 'Upgrade', says: '`websocket`.', type: 'string' },
  SecWebSocketProtocol: {
    name: 'Sec-WebSocket-Protocol',
    says: '`dash-relay.v1`, where it was offered.',
    type: 'string',
  },
  UiMessageStream: { name: 'x-vercel-ai-ui-message-stream', says: '`v1`.', type: 'string' },
  ETag: { name: 'ETag', says: 'Names this text of the document.', type: 'string' },
} as const;
export type HeaderName = keyof typeof HEADERS;

export interface OperationAnswer {
  readonly says: string;
  readonly content?: Content;
  /** Beside `x-request-id`. */
  readonly headers?: readonly HeaderName[];
  /** By event of `text/event-stream`, the component that its `data:` is; `message` where events have no name. */
  readonly events?: Readonly<Record<string, string>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header';
  readonly says: string;
  readonly schema: JsonSchema;
}

export interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly tag: Tag;
  readonly access: Access;
  readonly parameters?: readonly Parameter[];
  /** What the ids in its path are, where they are not of streams or uploads. */
  readonly idInPath?: JsonSchema;
  readonly body?: { readonly content: Content; readonly isOptional?: true };
  readonly answers: Readonly<Record<number, OperationAnswer>>;
  /** Beside those that every such route has. */
  readonly errors: readonly ErrorCode[];
  /** What its errors are, where they are no ErrorBody. */
  readonly errorBody?: string;
  /** Of the dialect of an old function: what was passed on to the old one comes back as that answered. */
  readonly passesOn?: true;
  /** Speaks WebSocket: the channel of the AsyncAPI document, where it has one. */
  readonly channel?: string;
  readonly isDevelopment?: true;
}

export const TAGS = {
  answers: 'Questions and their answers.',
  streams: 'What a user has asked: listed, read on, stopped, forgotten.',
  uploads: 'Photos and PDFs, ahead of the question about them.',
  account: 'What the caller is, may and has used.',
  reports: 'What apps and people say of answers.',
  websocket: 'Handshakes. What is said on the socket is in the AsyncAPI document.',
  'ai sdk': 'Questions and answers for the transports of the AI SDK.',
  'ag-ui': 'For clients of AG-UI.',
  'old functions': "The app's old functions, for apps that only change a URL.",
  operations: 'For balancers, and the documents themselves. No token.',
  development: 'Only in development, for the computer that the relay runs on.',
} as const;
export type Tag = keyof typeof TAGS;

const json = (name: string): Content => ({ 'application/json': refTo(name) });

/** What an answer consists of as frames; every one is `data:` of an event that has its type as `event:`. */
const EVENTS = {
  chunk: 'ChunkFrame',
  event: 'EventFrame',
  thinking: 'ThinkingFrame',
  tool: 'ToolFrame',
  done: 'DoneFrame',
  cancelled: 'CancelledFrame',
  error: 'ErrorFrame',
};
const ENDING = oneOf('type', { done: 'DoneFrame', cancelled: 'CancelledFrame', error: 'ErrorFrame' });

/** Why a run is refused before it is accepted. */
const REFUSED_STARTS: readonly ErrorCode[] = [
  'bad_request',
  'unknown_action',
  'forbidden',
  'model_not_allowed',
  'unknown_upload',
  'conflict',
  'too_large',
  'unsupported',
  'rate_limited',
  'too_many_streams',
  'quota_exceeded',
  'internal',
  'shutting_down',
  'unavailable',
];
/** What a run may end as: the status of an answer that waits for its end. */
const FAILED_RUNS: readonly ErrorCode[] = [
  'unauthorized',
  'resume_gap',
  'internal',
  'upstream_reset',
  'upstream_truncated',
  'upstream_error',
  'upstream_refused',
  'interrupted',
  'abandoned',
  'upstream_account',
  'upstream_overloaded',
  'upstream_rate_limited',
  'upstream_timeout',
];
const QUESTION = {
  access: 'reader',
  errors: [...REFUSED_STARTS, ...FAILED_RUNS],
} as const;

const lastEventId: Parameter = {
  name: 'Last-Event-ID',
  in: 'header',
  says: 'The `id:` of the last event received, `<epoch>.<seq>`. Absent: from the beginning.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{8,32}\\.\\d{1,15}$' },
};

const NOTHING = { 204: { says: 'Done.' } } as const;

/** The old functions took what came; only the fields that are read are named (docs/old-functions.md). */
const OLD_BODY = {
  content: { 'application/json': { type: 'object', properties: { action: { type: 'string' } } } },
} as const;

function oldFunction(name: 'ai-gateway' | 'ai-proxy', prefix: 'Gateway' | 'Proxy'): Operation {
  return {
    ...QUESTION,
    id: name === 'ai-gateway' ? 'askGateway' : 'askProxy',
    summary: `The old function ${name}, with its bodies, answers and errors`,
    tag: 'old functions',
    body: OLD_BODY,
    answers: {
      200: {
        says: 'The whole answer; events where the body asks by `stream: true`, or `Accept` does; how the relay is, where it asks for `health`.',
        content: {
          'application/json': { anyOf: [refTo(`${prefix}Answer`), refTo('FunctionHealth')] },
          'text/event-stream': { type: 'string' },
        },
      },
      501: { says: 'Something that only the old functions do.', content: json(`${prefix}Error`) },
      503: { says: 'Asked for `health`, while the relay takes no traffic.', content: json('FunctionHealth') },
    },
    errorBody: `${prefix}Error`,
    passesOn: true,
  };
}

/** Of the AI SDK's: any text of the app's. */
const CHAT_ID: JsonSchema = { type: 'string', minLength: 1, maxLength: MAX_CHAT_ID };
const UI_MESSAGE_STREAM = {
  says: 'Chunks as they come, and `[DONE]`.',
  content: { 'text/event-stream': { type: 'string' } },
  headers: ['UiMessageStream'],
  events: { message: 'UiMessageChunk' },
} as const;

function handshake(id: string, summary: string, channel: string): Operation {
  return {
    id,
    summary,
    tag: 'websocket',
    access: 'anyone',
    parameters: [
      {
        name: 'Sec-WebSocket-Protocol',
        in: 'header',
        says: 'None, or a list with `dash-relay.v1`; from browsers, which cannot set `Authorization`, also `bearer.<token>`.',
        schema: { type: 'string' },
      },
    ],
    answers: {
      101: {
        says: 'The connection speaks WebSocket from here on.',
        headers: ['Upgrade', 'SecWebSocketProtocol'],
      },
    },
    errors: [
      'unauthorized',
      'forbidden',
      'upgrade_required',
      'rate_limited',
      'too_many_connections',
      'shutting_down',
      'unavailable',
    ],
    channel,
  };
}

/** In the order of the document. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'POST /v1/chat': {
    ...QUESTION,
    id: 'ask',
    summary: 'Asks, and answers as events or as a whole',
    tag: 'answers',
    body: { content: json('ChatRequest') },
    answers: {
      200: {
        says: 'With `Accept: text/event-stream` events as they come, otherwise the whole answer at its end.',
        content: { ...json('WholeAnswer'), 'text/event-stream': { type: 'string' } },
        events: { accepted: 'AcceptedFrame', resumed: 'ResumedFrame', ...EVENTS },
      },
    },
    errorBody: 'ChatErrorBody',
  },
  'GET /v1/streams': {
    id: 'listStreams',
    summary: 'Which streams the caller has, newest first',
    tag: 'streams',
    access: 'token',
    parameters: [
      {
        name: 'limit',
        in: 'query',
        says: 'At most so many.',
        schema: { type: 'integer', minimum: 1, maximum: 100, default: 50 },
      },
      { name: 'before', in: 'query', says: 'The `next` of the page before.', schema: { type: 'string' } },
    ],
    answers: { 200: { says: 'A page of them.', content: json('StreamPage') } },
    errors: ['bad_request', 'unavailable'],
  },
  'DELETE /v1/streams': {
    id: 'forgetAllStreams',
    summary: "Forgets all of the caller's streams",
    tag: 'streams',
    access: 'token',
    answers: NOTHING,
    errors: ['unavailable'],
  },
  'GET /v1/streams/:id': {
    id: 'readStream',
    summary: 'Reads a stream as events, from a position on',
    tag: 'streams',
    access: 'reader',
    parameters: [lastEventId],
    answers: {
      200: {
        says: 'First `resumed`, then what follows that position.',
        content: { 'text/event-stream': { type: 'string' } },
        events: { resumed: 'ResumedFrame', ...EVENTS },
      },
    },
    errors: ['bad_request', 'unknown_stream', 'resume_gap', 'unavailable'],
  },
  'DELETE /v1/streams/:id': {
    id: 'cancelStream',
    summary: 'Stops a stream, or forgets it',
    tag: 'streams',
    access: 'token',
    parameters: [
      {
        name: 'forget',
        in: 'query',
        says: '`true`: it is erased as well.',
        schema: { type: 'string', enum: ['true', 'false'], default: 'false' },
      },
    ],
    answers: {
      200: { says: 'Its ending, whatever that turned out to be.', content: { 'application/json': ENDING } },
      204: { says: 'With `forget=true`: it is gone, or there was none.' },
    },
    errors: ['bad_request', 'unknown_stream', 'unavailable', 'resume_gap'],
  },
  'GET /v1/streams/:id/state': {
    id: 'stateOfStream',
    summary: 'Whether a stream is live, and how far it is',
    tag: 'streams',
    access: 'token',
    answers: { 200: { says: 'At once.', content: json('StreamState') } },
    errors: ['unknown_stream', 'resume_gap', 'unavailable'],
  },
  'POST /v1/uploads': {
    id: 'upload',
    summary: 'Takes one file ahead of the question about it',
    tag: 'uploads',
    access: 'token',
    parameters: [
      {
        name: 'Idempotency-Key',
        in: 'header',
        says: 'The second request with the same one is answered as the first was.',
        schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{16,64}$' },
      },
    ],
    body: {
      content: {
        'application/octet-stream': { type: 'string', format: 'binary' },
        'application/pdf': { type: 'string', format: 'binary' },
        'image/*': { type: 'string', format: 'binary' },
      },
    },
    answers: { 201: { says: 'It is held, and until when.', content: json('Upload') } },
    errors: [
      'bad_request',
      'not_found',
      'too_large',
      'unsupported',
      'too_many_uploads',
      'shutting_down',
      'unavailable',
    ],
  },
  'DELETE /v1/uploads': {
    id: 'deleteAllUploads',
    summary: "Deletes all of the caller's files",
    tag: 'uploads',
    access: 'token',
    answers: NOTHING,
    errors: ['not_found', 'unavailable'],
  },
  'DELETE /v1/uploads/:id': {
    id: 'deleteUpload',
    summary: 'Deletes a file, also where there is none',
    tag: 'uploads',
    access: 'token',
    answers: NOTHING,
    errors: ['not_found', 'unavailable'],
  },
  'GET /v1/session': {
    id: 'session',
    summary: 'Who the token is, or why a handshake would be refused',
    tag: 'account',
    access: 'token',
    answers: { 200: { says: 'A handshake would be accepted.', content: json('Session') } },
    errors: ['forbidden', 'rate_limited', 'too_many_connections', 'shutting_down', 'unavailable'],
  },
  'GET /v1/usage': {
    id: 'usage',
    summary: "The caller's quotas, and what of them is used",
    tag: 'account',
    access: 'token',
    answers: { 200: { says: 'Of this day and month.', content: json('UsageReport') } },
    errors: ['unavailable'],
  },
  'GET /v1/actions': {
    id: 'listActions',
    summary: 'Which actions there are, and their parameters',
    tag: 'account',
    access: 'token',
    answers: { 200: { says: 'By name.', content: json('ActionList') } },
    errors: [],
  },
  'GET /v1/config': {
    id: 'config',
    summary: 'Which transport this user is to take',
    tag: 'account',
    access: 'token',
    answers: { 200: { says: 'For `pollAfterMs`.', content: json('TransportConfig') } },
    errors: [],
  },
  'POST /v1/client-metrics': {
    id: 'sendMetrics',
    summary: 'Takes what an app measured of its streams',
    tag: 'reports',
    access: 'token',
    body: { content: json('MetricsBatch') },
    answers: NOTHING,
    errors: ['bad_request', 'not_found', 'too_large'],
  },
  'POST /v1/reports': {
    id: 'reportAnswer',
    summary: 'Takes what a person says is wrong with an answer',
    tag: 'reports',
    access: 'token',
    body: { content: json('AnswerReport') },
    answers: NOTHING,
    errors: ['bad_request', 'unknown_stream', 'too_large', 'rate_limited', 'unavailable'],
  },
  'GET /v1/ws': handshake('connect', 'The protocol dash-relay.v1', 'dash-relay.v1'),
  'GET /v1/ai-sdk': handshake('connectChats', 'The frames of WebSocketChatTransport of the AI SDK', 'ai-sdk'),
  'POST /v1/ai-sdk/chat': {
    ...QUESTION,
    id: 'askChat',
    summary: 'Asks in a chat, and answers as a UI message stream',
    tag: 'ai sdk',
    body: { content: json('ChatBody') },
    answers: { 200: UI_MESSAGE_STREAM },
    errors: REFUSED_STARTS,
  },
  'GET /v1/ai-sdk/chat/:id/stream': {
    id: 'readChat',
    summary: "Tells a chat's answer from its beginning",
    tag: 'ai sdk',
    access: 'reader',
    idInPath: CHAT_ID,
    answers: {
      200: UI_MESSAGE_STREAM,
      204: { says: 'There is nothing to resume.' },
    },
    errors: ['bad_request', 'resume_gap', 'unavailable'],
  },
  'DELETE /v1/ai-sdk/chat/:id/stream': {
    id: 'cancelChat',
    summary: "Stops a chat's answer",
    tag: 'ai sdk',
    access: 'token',
    idInPath: CHAT_ID,
    answers: {
      200: { says: 'Its ending, whatever that turned out to be.', content: { 'application/json': ENDING } },
      204: { says: 'Nothing of it is live.' },
    },
    errors: ['bad_request', 'unavailable', 'resume_gap'],
  },
  'GET /functions/v1/ai-gateway-ws': handshake(
    'connectGateway',
    'The same frames, with bodies of the old function ai-gateway as questions',
    'ai-gateway-ws',
  ),
  'GET /functions/v1/ai-proxy-ws': handshake(
    'connectProxy',
    'One question of the old function ai-proxy, answered in its frames',
    'ai-proxy-ws',
  ),
  'POST /v1/ag-ui': {
    ...QUESTION,
    id: 'runAgent',
    summary: 'A run of AG-UI 1.0',
    tag: 'ag-ui',
    body: { content: json('RunAgentInput') },
    answers: {
      200: {
        says: 'Events of AG-UI, each as JSON in a `data:` line, whatever `Accept` says.',
        content: { 'text/event-stream': { type: 'string' } },
        events: { message: 'AgUiEvent' },
      },
    },
    errors: REFUSED_STARTS,
  },
  'POST /functions/v1/ai-gateway': oldFunction('ai-gateway', 'Gateway'),
  'POST /functions/v1/ai-proxy': oldFunction('ai-proxy', 'Proxy'),
  'GET /v1/openapi.json': contract('openApi', 'This document'),
  'GET /v1/asyncapi.json': contract('asyncApi', 'The AsyncAPI document of the WebSocket protocol'),
  'GET /healthz': {
    id: 'live',
    summary: 'Whether the process answers',
    tag: 'operations',
    access: 'health',
    answers: { 200: { says: 'It does.', content: json('Liveness') } },
    errors: [],
  },
  'GET /readyz': {
    id: 'ready',
    summary: 'Whether it may take traffic',
    tag: 'operations',
    access: 'health',
    answers: {
      200: { says: 'It may.', content: json('Readiness') },
      503: { says: 'It may not, and why.', content: json('Readiness') },
    },
    errors: [],
  },
  'GET /metrics': {
    id: 'metrics',
    summary: 'Prometheus metrics; in production on a port of their own',
    tag: 'development',
    access: 'local',
    answers: { 200: { says: 'As text.', content: { 'text/plain': { type: 'string' } } } },
    errors: ['forbidden', 'not_found', 'unavailable'],
    isDevelopment: true,
  },
  'POST /dev/token': {
    id: 'developmentToken',
    summary: 'A token for trying things out',
    tag: 'development',
    access: 'local',
    body: {
      content: {
        'application/json': {
          type: 'object',
          properties: {
            sub: { type: 'string', format: 'uuid', description: 'The user; by default always the same' },
            tier: { type: ['string', 'null'], description: 'The plan; null: none. By default `enterprise`' },
            expiresIn: {
              type: 'integer',
              minimum: 1,
              maximum: 86_400,
              default: 3600,
              description: 'Seconds',
            },
          },
        },
      },
      isOptional: true,
    },
    answers: { 200: { says: 'A token.', content: json('DevelopmentToken') } },
    errors: ['bad_request', 'forbidden', 'not_found', 'too_large'],
    isDevelopment: true,
  },
};

function contract(id: string, summary: string): Operation {
  return {
    id,
    summary,
    tag: 'operations',
    access: 'anyone',
    parameters: [
      {
        name: 'If-None-Match',
        in: 'header',
        says: 'The `ETag` of what is held already.',
        schema: { type: 'string' },
      },
    ],
    answers: {
      200: { says: 'The document.', content: { 'application/json': { type: 'object' } }, headers: ['ETag'] },
      304: { says: 'What is held already is current.', headers: ['ETag'] },
    },
    errors: [],
  };
}
