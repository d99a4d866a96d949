/**
 * The metrics of a relay, as Prometheus reads them: what metric-definitions.ts lists, and those of the process. Counters are
 * there from the start with 0, as far as their labels are known by then: what first appears with 1 shows no rise.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { GapHistogram } from './gap-histogram.ts';
import {
  LATENCY_SECONDS,
  METRICS,
  type MetricDefinition,
  type MetricName,
  SHARE_SECONDS,
} from './metric-definitions.ts';
import type { LabelSet } from './metric-labels.ts';

const PREFIX = 'dash_';
/** A histogram timer of Node wakes the process this often, ms; the default is 10. */
const EVENT_LOOP_PRECISION_MS = 20;
/** In the words of V8, as the library names them. */
const COLLECTIONS = ['major', 'minor', 'incremental', 'weakcb'] as const;

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

/** What a relay has by its configuration: names of the operator's files that are labels, and the settings that are set. */
export interface Begun {
  /** Actions with the models that settings name for them. */
  readonly actions: readonly { readonly action: string; readonly model: string }[];
  readonly tools: readonly string[];
  /** As definitions name them in `needs`. */
  readonly settings: readonly string[];
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

  const collections = registry.getSingleMetric(`${PREFIX}nodejs_gc_duration_seconds`);
  if (collections instanceof Histogram) for (const kind of COLLECTIONS) collections.zero({ kind });

  const gauge = (name: NamesOf<'gauge'>) => new Gauge({ ...described(name), registers });
  const counter = <Name extends NamesOf<'counter'>>(name: Name): CounterOf<Labelled<Name>> => {
    const made = new Counter({ ...described(name), registers });
    counters.set(name, made);
    return made as unknown as CounterOf<Labelled<Name>>;
  };
  const latency = <Name extends NamesOf<'histogram'>>(
    name: Name,
    buckets = LATENCY_SECONDS,
  ): HistogramOf<Labelled<Name>> =>
    new Histogram({
      ...described(name),
      buckets,
      registers,
    }) as unknown as HistogramOf<Labelled<Name>>;

  const deltaGaps = new GapHistogram();
  deltaGaps.register(registry, described('dash_delta_gap_seconds'));

  return {
    registry,
    connections: gauge('dash_connections'),
    connectionsClosed: counter('dash_connections_closed_total'),
    upgrades: counter('dash_upgrades_total'),
    liveStreams: gauge('dash_live_streams'),
    streamsEnded: counter('dash_streams_ended_total'),
    actionStreams: counter('dash_action_streams_total'),
    firstToken: latency('dash_first_token_seconds'),
    modelFirstToken: latency('dash_first_token_model_seconds', SHARE_SECONDS),
    relayFirstToken: latency('dash_first_token_relay_seconds', SHARE_SECONDS),
    deltaGaps,
    streamDuration: latency('dash_stream_duration_seconds'),
    upstreamClosed: latency('dash_cancel_upstream_closed_seconds'),
    tokens: counter('dash_tokens_total'),
    cacheTokens: counter('dash_cache_tokens_total'),
    costUsd: counter('dash_cost_usd_total'),
    cacheSavings: counter('dash_cache_savings_usd_total'),
    cacheLosses: counter('dash_cache_losses_usd_total'),
    estimated: counter('dash_estimated_streams_total'),
    quotaRefusals: counter('dash_quota_refusals_total'),
    unpriced: counter('dash_unpriced_streams_total'),
    deltas: counter('dash_deltas_total'),
    textBytes: counter('dash_text_bytes_total'),
    resumes: counter('dash_resumes_total'),
    resumeOutcomes: counter('dash_resume_outcomes_total'),
    slowReaders: counter('dash_slow_readers_total'),
    httpRequests: counter('dash_http_requests_total'),
    upstreamResponses: counter('dash_upstream_responses_total'),
    refusals: counter('dash_refusals_total'),
    uploads: counter('dash_uploads_total'),
    passedOn: counter('dash_passed_on_total'),
    fallbacks: counter('dash_fallbacks_total'),
    promptCounts: counter('dash_prompt_counts_total'),
    toolCalls: counter('dash_tool_calls_total'),
    toolDuration: latency('dash_tool_call_seconds'),
    webhookDeliveries: counter('dash_webhook_deliveries_total'),
    webhookDuration: latency('dash_webhook_delivery_seconds'),
    switches: gauge('dash_switch'),
    revoked: counter('dash_revoked_total'),
    settingsReloads: counter('dash_settings_reloads_total'),
    clientFirstToken: latency('dash_client_first_token_seconds'),
    clientStream: latency('dash_client_stream_seconds'),
    clientStreams: counter('dash_client_streams_total'),
    clientErrors: counter('dash_client_errors_total'),
    clientReports: counter('dash_client_reports_total'),
    answerReports: counter('dash_answer_reports_total'),
    answersKept: counter('dash_answers_kept_total'),
    redisFailures: counter('dash_redis_failures_total'),
    identityLookups: counter('dash_identity_lookups_total'),
    failures: counter('dash_failures_total'),
    /** 1, with what runs here as labels. */
    built(version: string): void {
      new Gauge({ ...described('dash_build_info'), registers }).set({ version, node: process.version }, 1);
    },
    /** Begins the counters: before anything is counted, and again where there are other names. What is counted stays. */
    begin(begun: Begun): void {
      for (const [name, made] of counters) for (const labels of zerosOf(name, begun)) made.inc(labels, 0);
    },
    /** A value that others hold, read when it is scraped. */
    watch(name: NamesOf<'gauge'>, read: () => number): void {
      new Gauge({
        ...described(name),
        registers,
        collect() {
          this.set(read());
        },
      });
    },
    /** The same with a label: those that have a value. */
    watchEach<Name extends NamesOf<'gauge'>>(
      name: Name,
      read: () => readonly (readonly [labels: Labelled<Name>, value: number])[],
    ): void {
      new Gauge({
        ...described(name),
        registers,
        collect() {
          this.reset();
          for (const [labels, value] of read()) this.set({ ...labels }, value);
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

/** With which labels a counter begins. */
function zerosOf(name: MetricName, { actions, tools, settings }: Begun): readonly Labels[] {
  const { labels = {}, zeros, needs }: MetricDefinition = METRICS[name];
  if (needs !== undefined && !settings.includes(needs)) return [];
  if (zeros !== undefined) return zeros;
  const ofFiles = 'action' in labels ? actions : 'tool' in labels ? tools.map((tool) => ({ tool })) : [{}];
  return Object.entries<LabelSet>(labels).reduce<readonly Labels[]>(
    (all, [label, { values }]) =>
      values === undefined
        ? all
        : all.flatMap((each) => values.map((value) => ({ ...each, [label]: value }))),
    ofFiles,
  );
}
