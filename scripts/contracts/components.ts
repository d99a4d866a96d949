/** The schemas of both documents: of what clients send, of what the relay sends, with the words of PROTOCOL.md. */
import type * as z from 'zod';
import { answerReport } from '../../src/protocol/parse-answer-report.ts';
import { streamReport } from '../../src/protocol/parse-streaming-metrics.ts';
import * as agUi from './ag-ui.ts';
import * as aiSdk from './ai-sdk.ts';
import * as answers from './answers.ts';
import {
  CLIENT_FRAMES,
  textBlock,
  uploadedBlock,
  wholeBatch,
  wholeImageBlock,
  wholeMessage,
  wholeRequest,
} from './client-frames.ts';
import { componentsOf, type JsonSchema } from './json-schema.ts';
import type { ProtocolDocument } from './protocol-document.ts';
import { PROXY_FRAMES } from './proxy-frames.ts';
import * as frames from './server-frames.ts';

/** `token_expiring` is TokenExpiringFrame. */
export function frameName(type: string): string {
  const words = type.split(/[_-]/).map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`);
  return `${words.join('')}Frame`;
}

function named(byType: Readonly<Record<string, z.ZodType>>): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(byType).map(([type, schema]) => [frameName(type), schema]));
}

function prefixed(prefix: string, byType: Readonly<Record<string, z.ZodType>>): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(named(byType)).map(([name, schema]) => [prefix + name, schema]));
}

const OF_CLIENTS_FRAMES: Readonly<Record<string, z.ZodType>> = {
  ...named(CLIENT_FRAMES),
  Message: wholeMessage,
  TextBlock: textBlock,
  ImageBlock: wholeImageBlock,
  UploadedBlock: uploadedBlock,
};
const OF_CLIENTS_BODIES: Readonly<Record<string, z.ZodType>> = {
  ChatRequest: wholeRequest,
  Message: wholeMessage,
  TextBlock: textBlock,
  ImageBlock: wholeImageBlock,
  UploadedBlock: uploadedBlock,
  MetricsBatch: wholeBatch,
  StreamReport: streamReport,
  AnswerReport: answerReport,
  ChatBody: aiSdk.chatBody,
  RunAgentInput: agUi.runAgentInput,
};

const OF_FRAMES: Readonly<Record<string, z.ZodType>> = {
  ...named(frames.SERVER_FRAMES),
  Usage: frames.usage,
  Timing: frames.timing,
  QuotaState: frames.quotaState,
  Refusal: frames.refusal,
  ListedStream: frames.listedStream,
  ErrorCode: frames.errorCode,
};
const OF_ANSWERS: Readonly<Record<string, z.ZodType>> = {
  WholeAnswer: answers.wholeAnswer,
  StreamState: answers.streamState,
  StreamPage: answers.streamPage,
  Session: answers.session,
  UsageReport: answers.usageReport,
  ActionList: answers.actionList,
  TransportConfig: answers.transportConfig,
  Upload: answers.upload,
  ErrorBody: answers.errorBody,
  ChatErrorBody: answers.chatErrorBody,
  Liveness: answers.liveness,
  Readiness: answers.readiness,
  GatewayAnswer: answers.gatewayAnswer,
  GatewayError: answers.gatewayError,
  ProxyAnswer: answers.proxyAnswer,
  ProxyError: answers.proxyError,
  FunctionHealth: answers.functionHealth,
  DevelopmentToken: answers.developmentToken,
  UiMessageChunk: aiSdk.uiMessageChunk,
  AnswerMetadata: aiSdk.answerMetadata,
  AgUiEvent: agUi.agUiEvent,
};

/** Of the AI SDK's transport. */
const OF_CHAT_CLIENTS = prefixed('Chat', aiSdk.CHAT_CLIENT_FRAMES);
const OF_CHATS: Readonly<Record<string, z.ZodType>> = {
  ...prefixed('ChatAnswer', aiSdk.CHAT_RELAY_FRAMES),
  UiMessageChunk: aiSdk.uiMessageChunk,
  AnswerMetadata: aiSdk.answerMetadata,
};

/** Of `ai-proxy-ws`. */
const OF_PROXY = prefixed('Proxy', PROXY_FRAMES);

/** Of a whole dialect: what stands ahead of its table is not of the fields. */
const OF_AI_SDK = '## AI SDK';

/** By component, where PROTOCOL.md has its fields. */
const TABLES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.keys({ ...CLIENT_FRAMES, ...frames.SERVER_FRAMES }).map((type) => [
      frameName(type),
      `### \`${type}\``,
    ]),
  ),
  ChatRequest: '### `start`',
  Usage: '## Usage',
  Timing: '## Timing',
  QuotaState: '## Quota',
  ListedStream: '## Listed streams',
  AnswerMetadata: OF_AI_SDK,
};

type Components = Readonly<Record<string, JsonSchema>>;

/** Of the frames of `dash-relay.v1`. */
export function frameComponents(protocol: ProtocolDocument): Components {
  return withWords(
    {
      ...componentsOf({ ...OF_CLIENTS_FRAMES, ...OF_CHAT_CLIENTS }, 'client'),
      ...componentsOf({ ...OF_FRAMES, ...OF_CHATS, ...OF_PROXY }, 'relay'),
    },
    protocol,
  );
}

/** Of bodies, and of all frames: some are events of an answer. */
export function bodyComponents(protocol: ProtocolDocument): Components {
  return withWords(
    {
      ...componentsOf(OF_CLIENTS_BODIES, 'client'),
      ...componentsOf({ ...OF_ANSWERS, ...OF_FRAMES }, 'relay'),
    },
    protocol,
  );
}

function withWords(components: Components, protocol: ProtocolDocument): Components {
  return Object.fromEntries(
    Object.entries(components).map(([name, schema]) => {
      const heading = TABLES[name];
      return [name, heading === undefined ? schema : described(schema, heading, protocol)];
    }),
  );
}

function described(schema: JsonSchema, heading: string, protocol: ProtocolDocument): JsonSchema {
  const { properties, ...rest } = schema as { readonly properties?: Readonly<Record<string, JsonSchema>> };
  const fields = protocol.fieldsBelow(heading);
  const words = Object.entries(properties ?? {}).map(([field, value]) => {
    const description = fields.get(field);
    if (description === undefined && field !== 'type')
      throw new Error(`PROTOCOL.md says nothing of ${field} below "${heading}"`);
    return [field, description ? withDescription(value, description) : value] as const;
  });
  const introduction = heading === OF_AI_SDK ? '' : protocol.introductionOf(heading);
  return {
    ...(introduction === '' ? {} : { description: introduction }),
    ...rest,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(words) }),
  };
}

/** AsyncAPI reads JSON Schema of the draft in which nothing beside a reference counts. */
function withDescription(schema: JsonSchema, description: string): JsonSchema {
  return '$ref' in schema ? { allOf: [schema], description } : { ...schema, description };
}
