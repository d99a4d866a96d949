/** The standard keys of OpenTelemetry, as far as the relay answers to them. */
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/environment.ts';
import { readTraces } from '../../src/config/traces.ts';

const DEFAULTS = {
  protocol: 'http/protobuf',
  url: 'http://localhost:4318/v1/traces',
  ratio: 1,
  parentBased: true,
};
const ASKED = { OTEL_TRACES_EXPORTER: 'otlp' };

describe('an export of spans', () => {
  it.each([
    [{}],
    [{ OTEL_SERVICE_NAME: 'relay' }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_TRACES_EXPORTER: 'none' }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_SDK_DISABLED: 'TRUE' }],
    [{ OTEL_TRACES_EXPORTER: 'console' }],
  ])('is not asked for by %j', (keys) => {
    expect(readTraces(keys)).toEqual({ traces: undefined, problems: [] });
  });

  it.each([
    [ASKED, {}],
    [{ OTEL_TRACES_EXPORTER: 'console, otlp', OTEL_SDK_DISABLED: 'false' }, {}],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c.example.com/otlp/' },
      { url: 'https://c.example.com/otlp/v1/traces' },
    ],
    [
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c.example.com/own' },
      { url: 'https://c.example.com/own' },
    ],
    [{ ...ASKED, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, { protocol: 'http/json' }],
    [
      { ...ASKED, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
      { protocol: 'http/json' },
    ],
    [
      { ...ASKED, OTEL_TRACES_SAMPLER: 'always_off' },
      { ratio: 0, parentBased: false },
    ],
    [
      { ...ASKED, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.05' },
      { ratio: 0.05 },
    ],
  ])('is asked for by %j', (keys, expected) => {
    expect(readTraces(keys)).toEqual({ traces: { ...DEFAULTS, ...expected }, problems: [] });
  });

  it.each([
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      /^OTEL_EXPORTER_OTLP_PROTOCOL: must be http\/protobuf or http\/json/,
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /^OTEL_EXPORTER_OTLP_ENDPOINT: must be an http/],
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, /^OTEL_TRACES_SAMPLER: must be always_on/],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '5' },
      /^OTEL_TRACES_SAMPLER_ARG: .*0 to 1/,
    ],
  ])('that cannot be had stops the start: %j', (keys, problem) => {
    expect(readTraces({ ...ASKED, ...keys }).problems).toEqual([expect.stringMatching(problem)]);
    expect(() => readConfig({ ...ASKED, ...keys })).toThrow(/OTEL_/);
  });
});
