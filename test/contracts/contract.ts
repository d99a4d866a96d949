/** The OpenAPI document as a judge of answers: whether a relay answered as it says, in status, headers and body. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Answer } from '../support/http-doors.ts';

type Schema = { readonly [keyword: string]: unknown };

interface Response {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Readonly<Record<string, { readonly schema: Schema; readonly 'x-events'?: Schema }>>;
  readonly 'x-error-codes'?: readonly string[];
}

export interface Operation {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>;
  readonly 'x-development-only'?: boolean;
}

export interface OpenApi {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Response>>;
  };
}

/** Headers that a client acts on: the document names each that an answer has. */
const TELLING = [
  'x-vercel-ai-ui-message-stream',
  'allow',
  'etag',
  'retry-after',
  'upgrade',
  'www-authenticate',
  'x-request-id',
];

export class Contract {
  /** Each kind of answer that was judged: `ask 200`. */
  readonly seen = new Set<string>();
  readonly #document: OpenApi;
  readonly #ajv = validatorOf();

  constructor(document: OpenApi) {
    this.#document = document;
    this.#ajv.addSchema(closed(document) as Schema, 'contract');
  }

  /** All operations, by the name of their route: `GET /v1/streams/{id}`. */
  get operations(): ReadonlyMap<string, Operation> {
    return new Map(
      Object.entries(this.#document.paths).flatMap(([path, item]) =>
        Object.entries(item).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation]),
      ),
    );
  }

  /** Where an answer is other than the document has it; undefined where it is not. */
  faultIn(name: string, { status, headers, body }: Answer): string | undefined {
    const operation = this.operations.get(name);
    if (operation === undefined) return `the document has no ${name}`;
    const response = this.#responseOf(operation, status);
    if (response === undefined) return `${name} has no ${status}: ${body}`;
    this.seen.add(`${operation.operationId} ${status}`);
    const fault = untoldHeaders(response, headers) ?? this.#faultInBody(response, headers, body);
    return fault && `${name} ${status}: ${fault}\n${body.slice(0, 500)}`;
  }

  #responseOf({ responses }: Operation, status: number): Response | undefined {
    const response = responses[status];
    if (response === undefined || !('$ref' in response)) return response;
    return this.#document.components.responses[String(response.$ref.split('/').at(-1))];
  }

  #faultInBody(response: Response, headers: Answer['headers'], body: string): string | undefined {
    const type = headers['content-type']?.split(';')[0] ?? '';
    const content = response.content?.[type];
    if (content === undefined) return body === '' ? undefined : `no body of ${type}`;
    if (type === 'text/event-stream') return this.#faultInEvents(content['x-events'] ?? {}, body);
    if (type !== 'application/json') return undefined;
    const value = JSON.parse(body) as { readonly error?: { readonly code?: string } };
    const code = value.error?.code;
    const isKnown = code === undefined || response['x-error-codes']?.includes(code) === true;
    return this.#faults(content.schema, value) ?? (isKnown ? undefined : `${code} is none of its codes`);
  }

  /** Events without a name are messages; those of an old function have no schema either. */
  #faultInEvents(events: Schema, body: string): string | undefined {
    for (const text of body.split('\n\n')) {
      const [, data = '[DONE]'] = /^data: (.+)$/m.exec(text) ?? [];
      const [, name = 'message'] = /^event: (.+)$/m.exec(text) ?? [];
      if (data === '[DONE]' || (name === 'message' && !(name in events))) continue;
      const schema = events[name] as Schema | undefined;
      if (schema === undefined) return `it has no event ${name}`;
      const faults = this.#faults(schema, JSON.parse(data));
      if (faults !== undefined) return faults;
    }
    return undefined;
  }

  #faults(schema: Schema, value: unknown): string | undefined {
    const own = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"contract#/')) as Schema;
    if (this.#ajv.validate(own, value)) return undefined;
    return this.#ajv.errorsText();
  }
}

function untoldHeaders(response: Response, headers: Answer['headers']): string | undefined {
  const told = new Set(Object.keys(response.headers ?? {}).map((header) => header.toLowerCase()));
  const untold = TELLING.filter((header) => headers[header] !== undefined && !told.has(header));
  return untold.length === 0 ? undefined : `headers that it does not name: ${untold.join(', ')}`;
}

/** Keywords of OpenAPI beside those of JSON Schema are let be. */
export function validatorOf(): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, validateFormats: true });
  addFormats.default(ajv);
  return ajv;
}

/** A document whose objects have no other fields than it names: what an answer has beside them is a fault of the document. */
export function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  const isOpen = inner['type'] === 'object' && 'properties' in inner && !('additionalProperties' in inner);
  return isOpen ? { ...inner, additionalProperties: false } : inner;
}
