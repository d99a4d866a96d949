/** The OpenAPI 3.1 document of all routes. */
import { bodyComponents } from './components.ts';
import { codesOf, ErrorResponses, HEADERS_TOO_LARGE, headersOf } from './error-responses.ts';
import { type JsonSchema, reachedFrom, refTo } from './json-schema.ts';
import { type Content, OPERATIONS, type Operation, type OperationAnswer, TAGS } from './operations.ts';
import type { ProtocolDocument } from './protocol-document.ts';

const DESCRIPTION = `The routes of Dash Relay. PROTOCOL.md is the law, and this document is compared with it.

- What is said on \`GET /v1/ws\` is in \`/v1/asyncapi.json\`. Event streams carry the same frames: \`x-events\` names the schema
  of each event's \`data:\`, since OpenAPI 3.1 has no word for it. Each event has an \`id:\`, \`<epoch>.<seq>\`, to go on from.
- Every GET is a HEAD too, but for those that read a stream; OPTIONS answers what CORS asks, and another method at a path gets 405 with \`Allow\`.
- Pages for people are not here. Routes of development say \`x-development-only\`; they are not there in production, and neither
  are routes that the operator has switched off: 404 \`not_found\`.
- Answers may get further fields; what is sent with a field that the relay does not know is refused.
- A proxy in front may answer by itself: an error of another shape is not the relay's.`;

type Node = { readonly [key: string]: unknown };

export function openApi(protocol: ProtocolDocument, version: string): Node {
  const errors = new ErrorResponses(protocol);
  const operations = Object.entries(OPERATIONS).map(([name, operation]) => {
    const [method = '', path = ''] = name.split(' ');
    const described = operationOf(name, operation, protocol, errors);
    return { path: path.replaceAll(/:(\w+)/g, '{$1}'), method: method.toLowerCase(), described };
  });
  const paths = Object.fromEntries(
    [...Map.groupBy(operations, ({ path }) => path)].map(([path, own]) => [
      path,
      Object.fromEntries(own.map(({ method, described }) => [method, described])),
    ]),
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'Dash Relay',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      {
        url: '{relay}',
        description: 'A relay',
        variables: { relay: { default: 'http://127.0.0.1:8787', description: 'Its address' } },
      },
    ],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: reachedFrom([paths, errors.components], bodyComponents(protocol)),
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The Supabase access token of a user.',
        },
      },
      responses: errors.components,
    },
  };
}

function operationOf(
  name: string,
  operation: Operation,
  protocol: ProtocolDocument,
  errors: ErrorResponses,
): Node {
  const { id, summary, tag, access, channel, isDevelopment } = operation;
  const description = protocol.route(name);
  const isOfUsers = access === 'token' || access === 'reader' || channel !== undefined || tag === 'websocket';
  return {
    operationId: id,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    security: isOfUsers ? [{ token: [] }] : [],
    ...parametersOf(name, operation),
    ...bodyOf(operation),
    responses: responsesOf(name, operation, errors),
    ...(channel === undefined ? {} : { 'x-websocket': { asyncapi: '/v1/asyncapi.json', channel } }),
    ...(isDevelopment ? { 'x-development-only': true } : {}),
  };
}

/** Of streams and uploads. */
const OWN_ID: JsonSchema = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' };

function parametersOf(name: string, { parameters = [], idInPath = OWN_ID }: Operation): Node {
  const inPath = Array.from(name.matchAll(/:(\w+)/g), ([, parameter]) => ({
    name: parameter,
    in: 'path',
    required: true,
    schema: idInPath,
  }));
  const others = parameters.map(({ name: called, in: place, says, schema }) => ({
    name: called,
    in: place,
    description: says,
    schema,
  }));
  const all = [...inPath, ...others];
  return all.length === 0 ? {} : { parameters: all };
}

function bodyOf({ body }: Operation): Node {
  if (body === undefined) return {};
  return { requestBody: { required: body.isOptional !== true, content: contentOf(body.content) } };
}

function contentOf(content: Content): Readonly<Record<string, { schema: JsonSchema }>> {
  return Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]));
}

function responsesOf(
  name: string,
  operation: Operation,
  errors: ErrorResponses,
): Readonly<Record<string, Node>> {
  const { answers, errorBody = 'ErrorBody', passesOn } = operation;
  const responses: Record<string, Node> = {};
  for (const [status, answer] of Object.entries(answers))
    responses[status] = response(Number(status), answer);
  for (const [status, codes] of codesOf(name, operation)) {
    const answer = responses[status];
    responses[status] =
      answer === undefined
        ? errors.component(status, codes, errorBody)
        : merged(answer, errors.response(status, codes, errorBody));
  }
  responses[HEADERS_TOO_LARGE] = errors.component(HEADERS_TOO_LARGE, ['too_large'], 'ErrorBody');
  if (passesOn) responses['default'] = PASSED_ON;
  return responses;
}

const PASSED_ON = {
  description:
    'What the old function answered, as it came, where the operator has it asked for what is not served here.',
};

function response(status: number, { says, content, headers = [], events }: OperationAnswer): Node {
  const described = content === undefined ? undefined : contentOf(content);
  const stream = described?.['text/event-stream'];
  if (events !== undefined && stream !== undefined)
    Object.assign(stream, {
      'x-events': Object.fromEntries(Object.entries(events).map(([event, schema]) => [event, refTo(schema)])),
    });
  return {
    description: says,
    headers: headersOf(status === 101 ? headers : ['RequestId', ...headers]),
    ...(described === undefined ? {} : { content: described }),
  };
}

/** Of a status that is an answer and an error: either body. */
function merged(answer: Node, error: Node): Node {
  const bodies = [answer, error].map(
    ({ content }) => (content as Record<string, { schema: JsonSchema }>)['application/json']?.schema ?? {},
  );
  const flat = bodies.flatMap((schema) => (schema['anyOf'] as JsonSchema[] | undefined) ?? [schema]);
  return {
    ...error,
    description: `${String(answer['description'])}\n${String(error['description'])}`,
    content: { 'application/json': { schema: { anyOf: flat } } },
  };
}
