/**
 * A span for each stream, by OpenTelemetry's conventions of generative AI (semconv-genai v0.1.0), with its steps and its
 * tries at the model below it. Loaded only where an export is asked for. No span has a word of a prompt or an answer, nor
 * whose the stream is: no user, no organisation.
 */
import {
  type Attributes,
  type Context,
  type Link,
  type Tracer as OpenTelemetryTracer,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { ErrorCode } from '../protocol/codes.ts';
import type { AttemptTrace, RunStep, RunTrace, StreamEnded, TraceBeginning, Tracer } from './port.ts';

export interface SpansOptions {
  /** Whether spans continue the context of who asks (TRACES_FROM_CLIENTS). */
  readonly fromClients: boolean;
  /** Whether the model's API is told of the span that asks it (TRACES_TO_MODEL). */
  readonly toModel: boolean;
  /** Where the model is asked. */
  readonly upstream: URL;
}

/** Version, trace, parent, flags: https://www.w3.org/TR/trace-context. Later versions may have more after them. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/;

export function createSpans(tracer: OpenTelemetryTracer, options: SpansOptions): Tracer {
  const server = serverOf(options.upstream);
  return {
    begin(run) {
      const asked = options.fromClients ? spanContextOf(run.traceparent) : undefined;
      // A connection lives for hours and asks for many streams: they are of it, but not parts of one operation.
      const isLinked = run.door === 'websocket';
      const links: Link[] = asked !== undefined && isLinked ? [{ context: asked }] : [];
      const parent =
        asked === undefined || isLinked ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, asked);
      const attributes = { ...attributesOf(run), ...server };
      const span = tracer.startSpan(
        `chat ${run.model}`,
        { kind: SpanKind.CLIENT, attributes, links },
        parent,
      );
      return new RunSpan(tracer, span, server, options);
    },
  };
}

class RunSpan implements RunTrace {
  readonly #tracer: OpenTelemetryTracer;
  readonly #span: Span;
  readonly #context: Context;
  readonly #server: Attributes;
  readonly #options: SpansOptions;

  constructor(tracer: OpenTelemetryTracer, span: Span, server: Attributes, options: SpansOptions) {
    this.#tracer = tracer;
    this.#span = span;
    this.#context = trace.setSpan(ROOT_CONTEXT, span);
    this.#server = server;
    this.#options = options;
  }

  step(step: RunStep): (code: ErrorCode | null) => void {
    const span = this.#tracer.startSpan(step, { kind: SpanKind.INTERNAL }, this.#context);
    return (code) => end(span, code);
  }

  attempt(model: string, attempt: number): AttemptTrace {
    const attributes = {
      ...this.#server,
      'http.request.method': 'POST',
      'url.template': '/v1/messages',
      'gen_ai.request.model': model,
      ...(attempt > 1 && { 'http.request.resend_count': attempt - 1 }),
    };
    const span = this.#tracer.startSpan(
      'POST /v1/messages',
      { kind: SpanKind.CLIENT, attributes },
      this.#context,
    );
    return {
      headers: this.#options.toModel ? { traceparent: traceparentOf(span.spanContext()) } : {},
      answered(status, upstreamRequestId) {
        span.setAttribute('http.response.status_code', status);
        if (upstreamRequestId !== null) span.setAttribute('dash.upstream_request.id', upstreamRequestId);
      },
      ended(outcome, code) {
        span.setAttribute('dash.outcome', outcome);
        end(span, code);
      },
    };
  }

  ended(event: StreamEnded): void {
    this.#span.setAttributes(endingAttributes(event));
    end(this.#span, event.code);
  }

  refused(code: ErrorCode): void {
    end(this.#span, code);
  }
}

/** A status has a description only where it says more than the attributes. */
function end(span: Span, code: ErrorCode | null): void {
  if (code !== null) {
    span.setAttribute('error.type', code);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

function attributesOf({
  epoch,
  action,
  model,
  door,
  requestId,
  connectionId,
  tier,
}: TraceBeginning): Attributes {
  return present({
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': model,
    'gen_ai.request.stream': true,
    'dash.epoch': epoch,
    'dash.action': action,
    'dash.door': door,
    'dash.request.id': requestId,
    'dash.connection.id': connectionId,
    'dash.tier': tier,
  });
}

function endingAttributes(event: StreamEnded): Attributes {
  const {
    status,
    stopReason,
    servedModel,
    firstTokenShares,
    usage,
    costUsd,
    refusal,
    abortReason,
    upstreamRequestId,
  } = event;
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, thinkingTokens } = usage;
  return present({
    'gen_ai.response.model': servedModel,
    // By the convention `error` where a reason was to come, and did not.
    'gen_ai.response.finish_reasons': [stopReason ?? 'error'],
    // From when the model was asked: what came before are the relay's own steps.
    'gen_ai.response.time_to_first_chunk': firstTokenShares && firstTokenShares.modelMs / 1000,
    // By the convention all that was read, what came from a cache too.
    'gen_ai.usage.input_tokens': inputTokens + cacheReadTokens + cacheWriteTokens,
    'gen_ai.usage.cache_read.input_tokens': cacheReadTokens,
    'gen_ai.usage.cache_write.input_tokens': cacheWriteTokens,
    'gen_ai.usage.output_tokens': outputTokens,
    'gen_ai.usage.reasoning.output_tokens': thinkingTokens,
    'dash.status': status,
    'dash.cost_usd': costUsd,
    'dash.usage.source': usage.source,
    'dash.refusal': refusal,
    'dash.abort_reason': abortReason,
    'dash.upstream_request.id': upstreamRequestId,
  });
}

function present(attributes: { readonly [name: string]: Attributes[string] | null }): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, value]],
    ),
  );
}

function serverOf({ hostname, port, protocol }: URL): Attributes {
  return {
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  };
}

/** What is malformed is no context at all. */
function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const [, version, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && traceparent?.length !== 55) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
