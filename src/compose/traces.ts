/** Spans, where the standard keys of OpenTelemetry ask for them: what makes and exports them is loaded only then. */
import type { Config } from '../config/environment.ts';
import { bothTracers } from '../observability/both-tracers.ts';
import type { Tracer } from '../observability/port.ts';
import { DEFAULT_BASE_URL } from '../upstream/anthropic.ts';
import type { Telemetry } from './metrics.ts';

export interface Traces {
  readonly tracer: Tracer;
  /** Exports what is there, for `timeoutMs` at most. */
  close(timeoutMs: number): Promise<void>;
}

/** The debug lines alone, or the spans beside them. @param simulated where the simulated model listens */
export async function composeTraces(
  config: Config,
  version: string,
  simulated: string | undefined,
  { logger, sampled, tracer }: Telemetry,
): Promise<Traces> {
  if (config.traces === undefined) return { tracer, close: async () => {} };
  const { openSpanExport } = await import('../observability/span-exporter.ts');
  const { url, protocol, ratio, parentBased } = config.traces;
  const { TRACES_FROM_CLIENTS: fromClients, TRACES_TO_MODEL: toModel, INSTANCE_ID: instanceId } = config;
  const { origin, pathname } = new URL(url);
  const told = { url: `${origin}${pathname}`, protocol, ratio, parentBased, fromClients, toModel };
  logger.info(told, 'spans are exported');
  const spans = openSpanExport({
    ...told,
    url,
    upstream: new URL(simulated ?? config.ANTHROPIC_BASE_URL ?? DEFAULT_BASE_URL),
    version,
    instanceId,
    onFailure: (cause) => sampled.write(LOST, undefined, { cause }),
  });
  return { tracer: bothTracers(tracer, spans.tracer), close: (timeoutMs) => spans.close(timeoutMs) };
}

const LOST = {
  level: 'warn',
  message: 'spans do not reach their collector: these are lost',
  lines: 1,
  fields: {},
} as const;
