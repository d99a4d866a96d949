/** Which errors a route may answer with, and what each status of them is. */
import { ERROR_CODES, type ErrorCode } from '../../src/protocol/codes.ts';
import { type JsonSchema, refTo } from './json-schema.ts';
import { HEADERS, type HeaderName, type Operation } from './operations.ts';
import { type ProtocolDocument, plain } from './protocol-document.ts';

type Node = { readonly [key: string]: unknown };

/** Where the head of a request is too large: the one status that is not of the table of codes. */
export const HEADERS_TOO_LARGE = 431;

/** What any request may be told, whatever it asks: also before a route is known. */
const OF_EVERY: readonly ErrorCode[] = [
  'bad_request',
  'request_timeout',
  'unsupported',
  'rate_limited',
  'too_many_connections',
  'internal',
];
/** By who may ask. */
const OF_ACCESS: Readonly<Record<Operation['access'], readonly ErrorCode[]>> = {
  anyone: [],
  health: [],
  local: ['forbidden'],
  token: ['unauthorized', 'forbidden', 'unavailable'],
  reader: ['unauthorized', 'forbidden', 'too_many_connections', 'unavailable'],
};
/** Of requests whose body is read. */
const OF_BODIES: readonly ErrorCode[] = ['too_large', 'unavailable'];

/** By status, the codes that are told with it. */
export function codesOf(
  name: string,
  { access, errors }: Operation,
): ReadonlyMap<number, readonly ErrorCode[]> {
  const ofBody = name.startsWith('GET ') ? [] : OF_BODIES;
  // A longer one than any id is not looked at.
  const ofPath: readonly ErrorCode[] = name.includes('/:') ? ['not_found'] : [];
  const all = new Set([...OF_EVERY, ...OF_ACCESS[access], ...ofBody, ...ofPath, ...errors]);
  const inOrder = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => all.has(code));
  return Map.groupBy(inOrder, (code) => ERROR_CODES[code].status);
}

/** Headers of errors beside the request's id, by status. */
const OF_ERRORS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ['WwwAuthenticate'],
  426: ['Upgrade'],
  429: ['RetryAfter'],
  503: ['RetryAfter'],
};

export class ErrorResponses {
  /** What routes refer to. */
  readonly components: Record<string, Node> = {};
  readonly #meanings: ReadonlyMap<string, string>;

  constructor(protocol: ProtocolDocument) {
    const rows = protocol.rowsBelow('## Codes');
    this.#meanings = new Map(
      rows.map(([code = '', , , meaning = '']) => [code.replaceAll('`', ''), plain(meaning)]),
    );
  }

  /** A reference to it: routes share those that are the same. @param body its component */
  component(status: number, codes: readonly ErrorCode[], body: string): Node {
    const name = [...(body === 'ErrorBody' ? [] : [body]), status, ...codes].join('.');
    this.components[name] ??= this.response(status, codes, body);
    return { $ref: `#/components/responses/${name}` };
  }

  response(status: number, codes: readonly ErrorCode[], body: string): Node {
    return {
      description: codes.map((code) => `\`${code}\`: ${this.#meanings.get(code)}.`).join('\n'),
      headers: headersOf(['RequestId', ...(OF_ERRORS[status] ?? [])]),
      content: { 'application/json': { schema: schemaOf(body) } },
      'x-error-codes': codes,
    };
  }
}

/** What is refused before its route is asked is an ErrorBody everywhere, and some bodies have all fields of one. */
function schemaOf(body: string): JsonSchema {
  return body.endsWith('ErrorBody') ? refTo(body) : { anyOf: [refTo(body), refTo('ErrorBody')] };
}

/** As they stand: there are libraries that follow no reference to a header. */
export function headersOf(names: readonly HeaderName[]): Readonly<Record<string, Node>> {
  return Object.fromEntries(
    names.map((each) => {
      const { name, says, type } = HEADERS[each];
      return [name, { description: says, schema: { type } }];
    }),
  );
}
