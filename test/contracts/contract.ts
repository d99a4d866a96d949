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

interface Operation {
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
const TELLING = ['allow', 'etag', 'retry-after', 'upgrade', 'www-authenticate', 'x-request-id'];

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

  /** @throws Error that says where an answer is other than the document has it */
  judge(name: string, { status, headers, body }: Answer): void {
    const operation = this.operations.get(name);
    if (operation === undefined) throw new Error(`the document has no ${name}`);
    const response = this.#responseOf(operation, status);
    const fault = (what: string): Error => new Error(`${name} ${status}: ${what}\n${body.slice(0, 500)}`);
    if (response === undefined) throw fault('no such status');
    this.seen.add(`${operation.operationId} ${status}`);
    const documented = new Set(Object.keys(response.headers ?? {}).map((header) => header.toLowerCase()));
    const untold = TELLING.filter((header) => headers[header] !== undefined && !documented.has(header));
    if (untold.length > 0) throw fault(`headers that it does not name: ${untold.join(', ')}`);
    const type = headers['content-type']?.split(';')[0] ?? '';
    const content = response.content?.[type];
    if (content === undefined) {
      if (body !== '') throw fault(`no body of ${type}`);
      return;
    }
    if (type === 'text/event-stream') this.#judgeEvents(content['x-events'] ?? {}, body, fault);
    else if (type === 'application/json') this.#judgeJson(content.schema, response, JSON.parse(body), fault);
  }

  /** Whether a value is what a component says; the faults, or nothing. */
  faultsOf(component: string, value: unknown): string | undefined {
    return this.#faults({ $ref: `#/components/schemas/${component}` }, value);
  }

  #responseOf({ responses }: Operation, status: number): Response | undefined {
    const response = responses[status];
    if (response === undefined || !('$ref' in response)) return response;
    return this.#document.components.responses[String(response.$ref.split('/').at(-1))];
  }

  #judgeJson(schema: Schema, response: Response, value: unknown, fault: (what: string) => Error): void {
    const faults = this.#faults(schema, value);
    if (faults !== undefined) throw fault(faults);
    const code = (value as { error?: { code?: string } }).error?.code;
    const codes = response['x-error-codes'];
    if (code !== undefined && codes?.includes(code) !== true) throw fault(`${code} is none of its codes`);
  }

  /** Events of an old function have no name, and no schema. */
  #judgeEvents(events: Schema, body: string, fault: (what: string) => Error): void {
    for (const text of body.split('\n\n')) {
      const [, name] = /^event: (.+)$/m.exec(text) ?? [];
      if (name === undefined) continue;
      const schema = events[name] as Schema | undefined;
      if (schema === undefined) throw fault(`an event ${name}`);
      const [, data = ''] = /^data: (.+)$/m.exec(text) ?? [];
      const faults = this.#faults(schema, JSON.parse(data));
      if (faults !== undefined) throw fault(faults);
    }
  }

  #faults(schema: Schema, value: unknown): string | undefined {
    const own = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"contract#/')) as Schema;
    if (this.#ajv.validate(own, value)) return undefined;
    return this.#ajv.errorsText();
  }
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
