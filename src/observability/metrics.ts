/**
 * The metrics of a relay, as Prometheus reads them: what metric-definitions.ts lists, and those of the process. Counters are
 * there from the start with 0, as far as their labels are known by then: what first appears with 1 shows no rise.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { LATENCY_SECONDS, METRICS, type MetricDefinition, type MetricName } from './metric-definitions.ts';
import type { LabelSet } from './metric-labels.ts';

const PREFIX = 'dash_';
/** A histogram timer of Node wakes the process this often, ms; the default is 10. */
const EVENT_LOOP_PRECISION_MS = 20;

type Definitions = typeof METRICS;
type Labelled<Name extends MetricName> = Definitions[Name] extends { readonly labels: infer Labels }
  ? { readonly [Label in keyof Labels]: ValueOf<Labels[Label]> }
  : undefined;
type ValueOf<Set> = Set extends { readonly values: readonly (infer Value extends string)[] } ? Value : string;
type NamesOf<Type extends MetricDefinition['type']> = {
  [Name in MetricName]: Definitions[Name]['type'] extends Type ? Name : never;
}[MetricName];

/** A library's metric, with the labels of its definition alone. */
type CounterOf<Labels> = Labels extends undefined
  ? { inc(by?: number): void }
  : { inc(labels: Labels, by?: number): void };
type HistogramOf<Labels> = Labels extends undefined
  ? { observe(seconds: number): void }
  : { observe(labels: Labels, seconds: number): void };

/** Names of the operator's files that are labels. */
export interface MetricNames {
  /** Actions with the models that settings name for them. */
  readonly actions: readonly { readonly action: string; readonly model: string }[];
  readonly tools: readonly string[];
}

export type Metrics = ReturnType<typeof createMetrics>;

/** A registry of its own, so that several relays fit in one process (tests). */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counters = new Map<NamesOf<'counter'>, Counter>();
  collectDefaultMetrics({
    register: registry,
    prefix: PREFIX,
    eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
  });

  const gauge = (name: NamesOf<'gauge'>) => new Gauge({ ...described(name), registers });
  const counter = <Name extends NamesOf<'counter'>>(name: Name): CounterOf<Labelled<Name>> => {
    const made = new Counter({ ...described(name), registers });
    for (const labels of zerosOf(name)) made.inc(labels, 0);
    counters.set(name, made);
    return made as unknown as CounterOf<Labelled<Name>>;
  };
  const latency = <Name extends NamesOf<'histogram'>>(name: Name): HistogramOf<Labelled<Name>> =>
    new Histogram({
      ...described(name),
      buckets: LATENCY_SECONDS,
      registers,
    }) as unknown as HistogramOf<Labelled<Name>>;

  return {
    registry,
    connections: gauge('dash_connections'),
    connectionsClosed: counter('dash_connections_closed_total'),
    upgrades: counter('dash_upgrades_total'),
    liveStreams: gauge('dash_live_streams'),
    streamsEnded: counter('dash_streams_ended_total'),
    firstToken: latency('dash_first_token_seconds'),
    streamDuration: latency('dash_stream_duration_seconds'),
    upstreamClosed: latency('dash_cancel_upstream_closed_seconds'),
    tokens: counter('dash_tokens_total'),
    cacheTokens: counter('dash_cache_tokens_total'),
    costUsd: counter('dash_cost_usd_total'),
    unpriced: counter('dash_unpriced_streams_total'),
    deltas: counter('dash_deltas_total'),
    textBytes: counter('dash_text_bytes_total'),
    resumes: counter('dash_resumes_total'),
    refusals: counter('dash_refusals_total'),
    passedOn: counter('dash_passed_on_total'),
    fallbacks: counter('dash_fallbacks_total'),
    promptCounts: counter('dash_prompt_counts_total'),
    toolCalls: counter('dash_tool_calls_total'),
    toolDuration: latency('dash_tool_call_seconds'),
    redisFailures: counter('dash_redis_failures_total'),
    identityLookups: counter('dash_identity_lookups_total'),
    failures: counter('dash_failures_total'),
    /** 1, with what runs here as labels. */
    built(version: string): void {
      new Gauge({ ...described('dash_build_info'), registers }).set({ version, node: process.version }, 1);
    },
    /** Begins what has names of the operator's files as labels. */
    begin({ actions, tools }: MetricNames): void {
      for (const [name, made] of counters)
        for (const labels of zerosOf(name, actions, tools)) made.inc(labels, 0);
    },
    /** A value that others hold, read when it is scraped; null while there is none. */
    watch(name: NamesOf<'gauge'>, read: () => number | null): void {
      new Gauge({
        ...described(name),
        registers,
        collect() {
          const value = read();
          if (value === null) this.remove();
          else this.set(value);
        },
      });
    },
  };
}

function described(name: MetricName): { name: string; help: string; labelNames: string[] } {
  const { help, labels = {} }: MetricDefinition = METRICS[name];
  return { name, help, labelNames: Object.keys(labels) };
}

/** Values by label. */
type Labels = Readonly<Record<string, string>>;

/** With which labels a counter begins: those that are known without files, or, with names of files, those that have them. */
function zerosOf(name: MetricName, actions?: MetricNames['actions'], tools?: readonly string[]): Labels[] {
  const { labels = {}, zeros }: MetricDefinition = METRICS[name];
  const ofFiles =
    'action' in labels ? actions : 'tool' in labels ? tools?.map((tool) => ({ tool })) : undefined;
  const isOfFiles = 'action' in labels || 'tool' in labels;
  if (isOfFiles !== (actions !== undefined)) return [];
  if (zeros !== undefined) return [...zeros];
  return Object.entries(labels).reduce<Labels[]>(
    (all, [label, { values }]: [string, LabelSet]) =>
      values === undefined
        ? all
        : all.flatMap((each) => values.map((value) => ({ ...each, [label]: value }))),
    [...(ofFiles ?? [{}])],
  );
}
