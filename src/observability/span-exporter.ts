/**
 * The export of spans over OTLP/HTTP. Loaded only where it is asked for. Nothing of it is made global: no other package of
 * the process makes spans by it, and none sends its context, or anybody's baggage, anywhere.
 */
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Tracer } from './port.ts';
import { createSpans, type SpansOptions } from './spans.ts';

export interface SpanExportOptions extends SpansOptions {
  readonly protocol: 'http/protobuf' | 'http/json';
  /** Where spans are posted to. */
  readonly url: string;
  /** Share of the streams whose caller did not decide, 0 to 1. */
  readonly ratio: number;
  /** Whether the decision of a caller whose context is continued counts before it. */
  readonly parentBased: boolean;
  readonly version: string;
  readonly instanceId: string;
  /** A batch was lost: what the collector, or the way to it, said. Must not throw. */
  readonly onFailure: (cause: unknown) => void;
}

export interface SpanExport {
  readonly tracer: Tracer;
  /** Exports what is there, for `timeoutMs` at most. Never rejects. */
  close(timeoutMs: number): Promise<void>;
}

const SERVICE = 'dash-relay';

export function openSpanExport(options: SpanExportOptions): SpanExport {
  const { version, instanceId, url, protocol, onFailure } = options;
  const ours = resourceFromAttributes({
    'service.name': SERVICE,
    'service.version': version,
    'service.instance.id': instanceId,
  });
  const exporter = protocol === 'http/json' ? new JsonExporter({ url }) : new ProtobufExporter({ url });
  const provider = new TracerProvider({
    // What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say counts before it.
    resource: ours.merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(options),
    spanProcessors: [new BatchSpanProcessor({ exporter: withFailures(exporter, onFailure) })],
  });
  return {
    tracer: createSpans(provider.getTracer(SERVICE, version), options),
    close: (timeoutMs) => withinBound(provider.shutdown().catch(onFailure), timeoutMs),
  };
}

function samplerOf({ ratio, parentBased }: SpanExportOptions): Sampler {
  const root =
    ratio === 1
      ? new AlwaysOnSampler()
      : ratio === 0
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return parentBased ? new ParentBasedSampler({ root }) : root;
}

/** The SDK tells its failures to a logger of its own, which nobody reads. */
function withFailures(exporter: SpanExporter, onFailure: (cause: unknown) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error !== undefined) onFailure(result.error);
        done(result);
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

function withinBound(work: Promise<void>, timeoutMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const bound = setTimeout(resolve, timeoutMs);
  return Promise.race([work, late]).finally(() => clearTimeout(bound));
}
