/**
 * What the standard keys of OpenTelemetry ask of this process: whether spans are exported, where to, and of how many
 * streams. Headers, time limits, compression and certificates of the export are read by its own package.
 */

export interface TracesConfig {
  readonly protocol: TracesProtocol;
  /** Where spans are posted to. */
  readonly url: string;
  /** Share of the streams whose caller did not decide, 0 to 1. */
  readonly ratio: number;
  /** Whether the decision of a caller whose context is continued counts before it. */
  readonly parentBased: boolean;
}

export interface TracesReading {
  /** Undefined where no export is asked for, or not in a way that can be had. */
  readonly traces: TracesConfig | undefined;
  /** Lines `KEY: what is wrong, what to do`. */
  readonly problems: readonly string[];
}

type Keys = Readonly<Record<string, string | undefined>>;
type TracesProtocol = (typeof PROTOCOLS)[number];

const PROTOCOLS = ['http/protobuf', 'http/json'] as const;
const DEFAULT_ENDPOINT = 'http://localhost:4318';
const RATIO = /^(0(\.\d+)?|1(\.0+)?)$/;
/** What a sampler does with streams whose caller did not decide. */
const SAMPLERS: Readonly<Record<string, 'all' | 'none' | 'ratio'>> = {
  always_on: 'all',
  always_off: 'none',
  traceidratio: 'ratio',
};
const PARENT_BASED = 'parentbased_';

/** @param keys that are set, without blanks around them */
export function readTraces(keys: Keys): TracesReading {
  if (!isAsked(keys)) return { traces: undefined, problems: [] };
  const asked = first(keys, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL');
  const protocol = asked.value ?? 'http/protobuf';
  const url = urlOf(keys);
  const sampler = keys['OTEL_TRACES_SAMPLER'] ?? 'parentbased_always_on';
  const parentBased = sampler.startsWith(PARENT_BASED);
  const decides = SAMPLERS[parentBased ? sampler.slice(PARENT_BASED.length) : sampler];
  const share = keys['OTEL_TRACES_SAMPLER_ARG'] ?? '1';
  const problems = [
    ...(isProtocol(protocol) ? [] : [`${asked.key}: ${PROTOCOL_ADVICE}`]),
    ...(isWebUrl(url.value) ? [] : [`${url.key}: must be an http(s) URL`]),
    ...(decides === undefined ? [`OTEL_TRACES_SAMPLER: ${SAMPLER_ADVICE}`] : []),
    ...(decides === 'ratio' && !RATIO.test(share) ? [`OTEL_TRACES_SAMPLER_ARG: ${RATIO_ADVICE}`] : []),
  ];
  if (problems.length > 0 || !isProtocol(protocol)) return { traces: undefined, problems };
  const ratio = { all: 1, none: 0, ratio: Number(share) }[decides ?? 'all'];
  return { traces: { protocol, url: url.value, ratio, parentBased }, problems };
}

const PROTOCOL_ADVICE = 'must be http/protobuf or http/json: collectors take both on port 4318';
const SAMPLER_ADVICE = 'must be always_on, always_off or traceidratio, or one of them after parentbased_';
const RATIO_ADVICE = 'must be a share of streams from 0 to 1';

/** An endpoint asks for it, or the exporter is named; a service that is named alone does not. */
function isAsked(keys: Keys): boolean {
  if (/^true$/i.test(keys['OTEL_SDK_DISABLED'] ?? '')) return false;
  const exporters = keys['OTEL_TRACES_EXPORTER']?.split(',').map((name) => name.trim());
  if (exporters !== undefined) return exporters.includes('otlp');
  return ENDPOINTS.some((key) => keys[key] !== undefined);
}

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;

/** The one of traces stands as it is; to the common one the path is added. */
function urlOf(keys: Keys): { readonly key: string; readonly value: string } {
  const [own, common] = ENDPOINTS;
  const { key, value } = first(keys, own, common);
  if (key === own && value !== undefined) return { key, value };
  return { key, value: `${(value ?? DEFAULT_ENDPOINT).replace(/\/$/, '')}/v1/traces` };
}

function first(keys: Keys, own: string, common: string) {
  const key = keys[own] === undefined ? common : own;
  return { key, value: keys[key] };
}

function isProtocol(value: string): value is TracesProtocol {
  return PROTOCOLS.some((protocol) => protocol === value);
}

function isWebUrl(value: string): boolean {
  return /^https?:$/.test(URL.parse(value)?.protocol ?? '');
}
