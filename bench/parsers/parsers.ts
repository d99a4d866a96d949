/** Every parser of what a client, the model's API or Redis sends, as one call that never throws. */
import type { IncomingMessage } from 'node:http';
import Fastify, { type FastifyRequest } from 'fastify';
import { parseAccessToken } from '../../src/auth/access-token.ts';
import { decodeBatch } from '../../src/cluster/delta-batch.ts';
import { parseEnding } from '../../src/cluster/parse-ending.ts';
import { decodeMessage } from '../../src/cluster/store/message-text.ts';
import { headerToken } from '../../src/http/admission/bearer-token.ts';
import { clientAddressBy } from '../../src/http/admission/client-address.ts';
import { jsonBodyParser } from '../../src/http/create-app.ts';
import { positionOf } from '../../src/http/routes/event-stream.ts';
import { areWholeMessages, FrameRules } from '../../src/http/websocket/frame-rules.ts';
import { handshakeToken } from '../../src/http/websocket/upgrade-request.ts';
import { parseClientFrame, parseHttpRequest } from '../../src/protocol/parse-client-frame.ts';
import { MessageParser } from '../../src/upstream/message-parser.ts';
import { SseDecoder } from '../../src/upstream/sse-decoder.ts';
import { UsageMeter } from '../../src/upstream/usage-meter.ts';
import * as shapes from './shapes.ts';

export interface Parser {
  readonly name: string;
  /** The honest ones first. */
  readonly shapes: shapes.Shapes;
  /** How many of the shapes are honest. */
  readonly honest: number;
  /** Of one input: what the door lets through, or less where that tells the same. */
  readonly bytes: number;
  read(text: string): unknown;
}

const KIB = 1024;
const SINK = { text() {}, event() {}, thinking() {}, tool() {}, began() {} };
const ORIGINS: ReadonlySet<string> = new Set();
const parseBody = jsonBodyParser(Fastify());
const addressOf = clientAddressBy(['10.0.0.0/8', 'fd00::/8']);

const raw: readonly Parser[] = [
  { name: 'client frame', shapes: shapes.requests, honest: 3, bytes: 128 * KIB, read: parseClientFrame },
  {
    name: 'request body',
    shapes: shapes.requests,
    honest: 3,
    bytes: 128 * KIB,
    read: (text) => readBody(text.replace('"type":"start",', '')),
  },
  { name: 'frames of a connection', shapes: shapes.frames, honest: 2, bytes: 128 * KIB, read: readFrames },
  { name: 'access token', shapes: shapes.tokens, honest: 1, bytes: 7 * KIB, read: parseAccessToken },
  ...headerParsers(),
  { name: 'upstream body', shapes: shapes.upstreamBodies, honest: 3, bytes: 256 * KIB, read: readUpstream },
  {
    name: 'upstream body in slices of 100 bytes',
    shapes: shapes.upstreamBodies,
    honest: 3,
    bytes: 64 * KIB,
    read: (text) => readUpstream(text, 100),
  },
  {
    name: 'deltas from Redis',
    shapes: shapes.batches,
    honest: 3,
    bytes: 128 * KIB,
    read: (payload) => decodeBatch({ seq: 1_000_000, payload }),
  },
  {
    name: 'message from Redis',
    shapes: shapes.machineMessages,
    honest: 1,
    bytes: 128 * KIB,
    read: decodeMessage,
  },
  {
    name: 'ending from Redis',
    shapes: shapes.endings,
    honest: 1,
    bytes: 32 * KIB,
    read: (json) => parseEnding(json, 'a'),
  },
];

export const parsers: readonly Parser[] = raw.map((parser) => ({ ...parser, read: settled(parser.read) }));

function headerParsers(): Parser[] {
  const header = (name: string, read: (text: string) => unknown): Parser => ({
    name,
    shapes: shapes.headers,
    honest: 2,
    bytes: 15 * KIB,
    read,
  });
  return [
    header('Sec-WebSocket-Protocol', (text) =>
      handshakeToken(request({ 'sec-websocket-protocol': `dash-relay.v1, ${text}` }), ORIGINS),
    ),
    header('Authorization', (text) => headerToken(request({ authorization: `Bearer ${text}` }))),
    header('X-Forwarded-For', (text) => addressOf(request({ 'x-forwarded-for': text }))),
    header('Last-Event-ID', positionOf),
  ];
}

function request(headers: Readonly<Record<string, string>>): IncomingMessage {
  const rawHeaders = Object.entries(headers).flat();
  return { headers, rawHeaders, socket: { remoteAddress: '10.0.0.1' } } as unknown as IncomingMessage;
}

function readBody(text: string): void {
  parseBody({} as FastifyRequest, text, (error, body) => {
    if (error === null) parseHttpRequest(body);
  });
}

/** As bytes come from a connection: one char per byte. */
function readUpstream(text: string, slice = 16 * KIB): void {
  const bytes = Buffer.from(text).toString('latin1');
  const reader = new MessageParser(SINK, new UsageMeter(), { events: 'all', showThinking: false });
  const decoder = new SseDecoder((...event) => reader.read(...event));
  for (let at = 0; at < bytes.length; at += slice) decoder.push(bytes.slice(at, at + slice));
  decoder.end();
}

/** What is read beside `ws`, which reads each of them as well. */
function readFrames(text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  if (!areWholeMessages(bytes)) new FrameRules().check(bytes);
}

/** A refusal costs what it costs, and is an answer too. */
function settled(read: (text: string) => unknown): (text: string) => unknown {
  return (text) => {
    try {
      return read(text);
    } catch (refusal) {
      return refusal;
    }
  };
}
