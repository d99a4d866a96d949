/** A collector of OpenTelemetry on loopback: takes spans over OTLP/HTTP, and keeps what it was sent. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
  /** 0: unset, 2: error. */
  readonly status: number;
}

export interface Posted {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface SpanCollector {
  readonly url: string;
  readonly posted: readonly Posted[];
  /** Of all requests in JSON. */
  spans(): readonly ReceivedSpan[];
  /** Attributes of what sent them. */
  resource(): Readonly<Record<string, unknown>>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
  readonly arrayValue?: { readonly values: readonly OtlpValue[] };
}

type OtlpAttributes = readonly { readonly key: string; readonly value: OtlpValue }[];

interface OtlpSpan extends Omit<ReceivedSpan, 'attributes' | 'status'> {
  readonly attributes: OtlpAttributes;
  readonly status: { readonly code?: number };
}

interface OtlpRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: OtlpAttributes };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** @param answer default: takes what is sent */
export async function startSpanCollector(
  answer: (response: ServerResponse) => void = (response) => void response.end('{}'),
): Promise<SpanCollector> {
  const posted: Posted[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    posted.push({ path: request.url ?? '', headers: request.headers, body });
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const groups = () =>
    posted.flatMap(({ body }) => (JSON.parse(body.toString()) as OtlpRequest).resourceSpans);
  return {
    url: `http://127.0.0.1:${port}`,
    posted,
    spans: () =>
      groups().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(receivedSpan))),
    resource: () => plain(groups()[0]?.resource.attributes ?? []),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function receivedSpan({ attributes, status, links = [], ...span }: OtlpSpan): ReceivedSpan {
  return { ...span, links, attributes: plain(attributes), status: status.code ?? 0 };
}

function plain(attributes: OtlpAttributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue({ arrayValue, intValue, ...value }: OtlpValue): unknown {
  if (arrayValue !== undefined) return arrayValue.values.map(plainValue);
  if (intValue !== undefined) return Number(intValue);
  return Object.values(value)[0];
}
