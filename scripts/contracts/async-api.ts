/** The AsyncAPI 3 document of the WebSocket protocol: the relay's own, and what old functions say at their paths. */
import { SUBPROTOCOL } from '../../src/protocol/frames.ts';
import { CHAT_CLIENT_FRAMES, CHAT_RELAY_FRAMES } from './ai-sdk.ts';
import { CLIENT_FRAMES } from './client-frames.ts';
import { frameComponents, frameName } from './components.ts';
import { refTo } from './json-schema.ts';
import type { ProtocolDocument } from './protocol-document.ts';
import { PROXY_FRAMES } from './proxy-frames.ts';
import { SERVER_FRAMES } from './server-frames.ts';

type Node = { readonly [key: string]: unknown };

const DESCRIPTION = `What is said on the WebSockets of Dash Relay: text frames of one JSON object each, told apart by \`type\`. The document
speaks as the relay: it receives the client's frames and sends its own. PROTOCOL.md is the law, and this document is
compared with it: what order frames come in, how streams are resumed and when connections close is said there.

Clients ignore fields and types they do not know; the relay refuses fields it does not know. The routes beside it are in
\`/v1/openapi.json\`.`;

/** By frame of a client, what answers it. */
const REPLIES: Readonly<Record<keyof typeof CLIENT_FRAMES, readonly (keyof typeof SERVER_FRAMES)[]>> = {
  start: ['accepted', 'resumed', 'error'],
  cancel: ['done', 'cancelled', 'error'],
  resume: ['resumed', 'error'],
  ack: [],
  auth: ['authenticated', 'error'],
  watch: ['streams'],
  ping: ['pong'],
};

/** A question as the old functions took it: docs/old-functions.md says which fields are read. */
const OLD_QUESTION = { type: 'object', description: "A body of the function's HTTP route." };

interface Channel {
  readonly name: string;
  readonly address: string;
  readonly says: string;
  /** By message, its component. */
  readonly received: Readonly<Record<string, string>>;
  readonly sent: Readonly<Record<string, string>>;
  readonly replies?: Readonly<Record<string, readonly string[]>>;
}

const clientMessages = messagesOf(CLIENT_FRAMES);
const serverMessages = messagesOf(SERVER_FRAMES);
const { start: _, ...withoutStart } = clientMessages;
const withoutStartReplies = Object.fromEntries(Object.entries(REPLIES).filter(([type]) => type !== 'start'));

const CHANNELS: readonly Channel[] = [
  {
    name: SUBPROTOCOL,
    address: '/v1/ws',
    says: 'The protocol of this document.',
    received: clientMessages,
    sent: serverMessages,
    replies: REPLIES,
  },
  {
    name: 'ai-sdk',
    address: '/v1/ai-sdk',
    says: 'The frames of `WebSocketChatTransport` of the AI SDK: PROTOCOL.md, AI SDK.',
    received: messagesOf(CHAT_CLIENT_FRAMES, 'Chat'),
    sent: messagesOf(CHAT_RELAY_FRAMES, 'ChatAnswer'),
    replies: { send: ['start', 'error'], resume: ['start', 'no-active', 'error'] },
  },
  {
    name: 'ai-gateway-ws',
    address: '/functions/v1/ai-gateway-ws',
    says: 'The same, but questions are bodies of the old function ai-gateway, without `type`.',
    received: { question: 'OldQuestion', ...withoutStart },
    sent: serverMessages,
    replies: { question: REPLIES.start, ...withoutStartReplies },
  },
  {
    name: 'ai-proxy-ws',
    address: '/functions/v1/ai-proxy-ws',
    says: 'One question of the old function ai-proxy, answered in its frames; then the relay hangs up.',
    received: { question: 'OldQuestion' },
    sent: messagesOf(PROXY_FRAMES, 'Proxy'),
    replies: { question: ['start', 'error'] },
  },
];

function messagesOf(byType: object, prefix = ''): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(byType).map((type) => [type, prefix + frameName(type)]));
}

export function asyncApi(protocol: ProtocolDocument, version: string): Node {
  const schemas = { ...frameComponents(protocol), OldQuestion: OLD_QUESTION };
  const messages = new Set(CHANNELS.flatMap(({ received, sent }) => [received, sent].flatMap(Object.values)));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Dash Relay: WebSocket protocol',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    servers: {
      relay: {
        host: '{host}',
        protocol: 'wss',
        variables: { host: { default: '127.0.0.1:8787', description: 'Of a relay' } },
        security: [{ $ref: '#/components/securitySchemes/token' }],
      },
    },
    channels: Object.fromEntries(CHANNELS.map((channel) => [channel.name, channelOf(channel, protocol)])),
    operations: Object.fromEntries(CHANNELS.flatMap(operationsOf)),
    components: {
      schemas,
      messages: Object.fromEntries(
        [...messages].map((name) => [name, { name, payload: refTo(name), ...typeOf(name) }]),
      ),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            'The Supabase access token of a user; from browsers as a subprotocol, `bearer.<token>`.',
        },
      },
    },
  };
}

const TITLES = new Map(
  [...Object.entries(clientMessages), ...Object.entries(serverMessages)].map(([type, name]) => [name, type]),
);
function typeOf(name: string): Node {
  const title = TITLES.get(name);
  return title === undefined ? {} : { title };
}

function channelOf({ address, says, received, sent }: Channel, protocol: ProtocolDocument): Node {
  return {
    address,
    description: says,
    messages: Object.fromEntries(
      [...inDirection('client', received), ...inDirection('relay', sent)].map(([key, component]) => [
        key,
        { $ref: `#/components/messages/${component}` },
      ]),
    ),
    bindings: {
      ws: {
        method: 'GET',
        headers: {
          type: 'object',
          properties: {
            Authorization: { type: 'string', description: '`Bearer <token>`, unless it is a subprotocol.' },
            'Sec-WebSocket-Protocol': {
              type: 'string',
              description: `None, or a list with \`${SUBPROTOCOL}\` and at most one \`bearer.<token>\`.`,
            },
          },
        },
        bindingVersion: '0.1.0',
      },
    },
    'x-subprotocol': SUBPROTOCOL,
    'x-close-codes': closeCodes(protocol),
  };
}

/** `start` is said by both sides at `ai-proxy-ws`, and `error` by one: a channel has its messages by one name each. */
function inDirection(
  by: 'client' | 'relay',
  messages: Readonly<Record<string, string>>,
): (readonly [key: string, component: string])[] {
  return Object.entries(messages).map(([type, component]) => [`${by}.${type}`, component]);
}

function operationsOf({ name, received, sent, replies = {} }: Channel): [string, Node][] {
  const channel = { $ref: `#/channels/${name}` };
  const messageOf = (by: 'client' | 'relay', type: string) => ({
    $ref: `#/channels/${name}/messages/${by}.${type}`,
  });
  const receives = Object.keys(received).map((type): [string, Node] => {
    const answers = replies[type] ?? [];
    const reply = { channel, messages: answers.map((answer) => messageOf('relay', answer)) };
    const operation = { action: 'receive', channel, messages: [messageOf('client', type)] };
    return [`${name}.receive.${type}`, answers.length === 0 ? operation : { ...operation, reply }];
  });
  const sends = Object.keys(sent).map((type): [string, Node] => [
    `${name}.send.${type}`,
    { action: 'send', channel, messages: [messageOf('relay', type)] },
  ]);
  return [...receives, ...sends];
}

function closeCodes(protocol: ProtocolDocument): readonly Node[] {
  return protocol.rowsBelow('## Close codes').flatMap(([codes = '', name = '', meaning, client]) =>
    codes.split(', ').map((code) => ({
      code: Number(code),
      ...(name === '' ? {} : { name: name.replaceAll('`', '') }),
      meaning,
      client,
    })),
  );
}
