/** Traces: what a collector is sent of a stream, what is not sent to anybody, and that no stream depends on it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { propagation } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { UNPACED } from '../../src/simulator/pacer.ts';
import { open, textOf } from '../support/http-doors.ts';
import {
  dataDirectory,
  type SimulatedRelay,
  spawnRelay,
  startSimulatedRelay,
  type TestRelay,
  userId,
} from '../support/relay-process.ts';
import { type ReceivedSpan, type SpanCollector, startSpanCollector } from './span-collector.ts';

const CLIENT = 3;
const INTERNAL = 1;
const ERROR = 2;
const TRACE = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const PARENT = '0a1b2c3d4e5f6071';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;
/** What a client may send with its question, and what must go nowhere. */
const CONTEXT = {
  traceparent: TRACEPARENT,
  tracestate: 'vendor=canary-state',
  baggage: 'pupil=canary-baggage',
};
const BODY = { action: 'chat', messages: [{ role: 'user', content: 'A canary sings: xyzzy-plugh.' }] };

function exportTo(collector: SpanCollector, more: Record<string, string> = {}) {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    ...more,
  };
}

async function answered(relay: TestRelay, headers: Record<string, string> = {}, model?: string) {
  const body = model === undefined ? BODY : { ...BODY, model };
  const token = await relay.token();
  const response = await open(`${relay.url}/v1/chat`, { method: 'POST', token, body, headers });
  await textOf(response);
  return response;
}

function streamSpan(spans: readonly ReceivedSpan[]): ReceivedSpan {
  const span = spans.find(({ name }) => name.startsWith('chat '));
  if (span === undefined) throw new Error('no span of a stream');
  return span;
}

/** Headers by which the last question reached the model. */
function sentToModel({ simulator }: SimulatedRelay) {
  return simulator.requests.at(-1)?.headers ?? {};
}

describe('a stream', () => {
  it('is one span by the conventions of generative AI, with its steps and its try at the model below it', async () => {
    await using collector = await startSpanCollector();
    await using relay = await startSimulatedRelay(
      { pace: UNPACED },
      exportTo(collector, { INSTANCE_ID: 'machine-a' }),
    );
    const response = await answered(relay);
    const [ended] = await relay.logged('stream ended');
    await relay.close();

    const spans = collector.spans();
    const stream = streamSpan(spans);
    expect(collector.posted[0]?.path).toBe('/v1/traces');
    expect(collector.resource()).toMatchObject({
      'service.name': 'dash-relay',
      'service.instance.id': 'machine-a',
    });
    expect(stream).toMatchObject({ name: 'chat claude-sonnet-5-5', kind: CLIENT, status: 0, links: [] });
    expect(stream.parentSpanId).toBeUndefined();
    expect(stream.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'claude-sonnet-5-5',
      'gen_ai.request.stream': true,
      'gen_ai.response.model': ended?.['servedModel'],
      'gen_ai.response.finish_reasons': ['end_turn'],
      'gen_ai.response.time_to_first_chunk': expect.any(Number),
      'gen_ai.usage.input_tokens':
        Number(ended?.['inputTokens']) +
        Number(ended?.['cacheReadTokens']) +
        Number(ended?.['cacheWriteTokens']),
      'gen_ai.usage.output_tokens': ended?.['outputTokens'],
      'server.address': '127.0.0.1',
      'dash.request.id': response.headers['x-request-id'],
      'dash.epoch': ended?.['epoch'],
      'dash.door': 'json',
      'dash.tier': 'enterprise',
      'dash.cost_usd': ended?.['costUsd'],
    });
    const below = spans.filter(({ parentSpanId }) => parentSpanId === stream.spanId);
    expect(below.map(({ name, kind }) => [name, kind])).toEqual([
      ['quota', INTERNAL],
      ['ledger_intent', INTERNAL],
      ['POST /v1/messages', CLIENT],
      ['ledger_settlement', INTERNAL],
    ]);
    expect(spans).toHaveLength(below.length + 1);
    expect(below[2]?.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'dash.upstream_request.id': ended?.['upstreamRequestId'],
    });
    const sent = collector.posted.map(({ body }) => body.toString()).join('');
    for (const secret of ['xyzzy', userId(1), String(ended?.['streamId'])])
      expect(sent).not.toContain(secret);
  });

  it('has a span of each try, and says by code how it failed', async () => {
    await using collector = await startSpanCollector();
    await using relay = await startSimulatedRelay({ pace: UNPACED }, exportTo(collector));
    await answered(relay, {}, 'sim:overloaded');
    await relay.close();
    const spans = collector.spans();
    const error = { 'error.type': 'upstream_overloaded' };
    const tries = spans.filter(({ name }) => name === 'POST /v1/messages');
    expect(tries.map(({ attributes }) => attributes['http.request.resend_count'])).toEqual([undefined, 1]);
    for (const span of [...tries, streamSpan(spans)])
      expect(span).toMatchObject({ status: ERROR, attributes: error });
    expect(tries[0]?.attributes['http.response.status_code']).toBe(529);
    expect(streamSpan(spans).attributes['gen_ai.response.finish_reasons']).toEqual(['error']);
  });

  it('that was refused is a span too', async () => {
    await using collector = await startSpanCollector();
    await using relay = await startSimulatedRelay(
      { pace: UNPACED },
      exportTo(collector, { STARTS_PER_MINUTE: '1' }),
    );
    await answered(relay);
    await answered(relay);
    await relay.close();
    const refused = collector
      .spans()
      .filter(({ name, status }) => name.startsWith('chat ') && status === ERROR);
    expect(refused.map(({ attributes }) => attributes['error.type'])).toEqual(['rate_limited']);
  });
});

describe('the context of who asks', () => {
  it('is neither continued nor handed on by itself', async () => {
    await using collector = await startSpanCollector();
    await using relay = await startSimulatedRelay({ keepBodies: true }, exportTo(collector));
    await answered(relay, CONTEXT);
    await relay.close();
    expect(streamSpan(collector.spans()).traceId).not.toBe(TRACE);
    const headers = sentToModel(relay);
    expect(headers).toHaveProperty('anthropic-version');
    for (const name of Object.keys(CONTEXT)) expect(headers).not.toHaveProperty(name);
  });

  it('is continued, and handed on as the try that asks, where the operator allows both; baggage never is', async () => {
    await using collector = await startSpanCollector();
    const allowed = { TRACES_FROM_CLIENTS: '1', TRACES_TO_MODEL: '1' };
    await using relay = await startSimulatedRelay({ keepBodies: true }, exportTo(collector, allowed));
    await answered(relay, CONTEXT);
    await relay.close();
    const spans = collector.spans();
    expect(streamSpan(spans)).toMatchObject({ traceId: TRACE, parentSpanId: PARENT });
    const asking = spans.find(({ name }) => name === 'POST /v1/messages');
    const headers = sentToModel(relay);
    expect(headers['traceparent']).toBe(`00-${TRACE}-${asking?.spanId}-01`);
    const said = `${JSON.stringify(headers)}${collector.posted.map(({ body }) => body.toString()).join('')}`;
    expect(said).not.toContain('canary');
    for (const name of ['baggage', 'tracestate']) expect(headers).not.toHaveProperty(name);
  });

  it('decides whether a stream is exported, where it is continued', async () => {
    await using collector = await startSpanCollector();
    await using relay = await startSimulatedRelay(
      { pace: UNPACED },
      exportTo(collector, { TRACES_FROM_CLIENTS: '1' }),
    );
    await answered(relay, { traceparent: TRACEPARENT.replace(/01$/, '00') });
    await relay.close();
    expect(collector.posted).toEqual([]);
  });

  it('is none where it has no hexadecimal digits, an id of zeros, a version that cannot be, or more than its version', async () => {
    const malformed = [
      `00-${'x'.repeat(32)}-${PARENT}-01`,
      `00-${'0'.repeat(32)}-${PARENT}-01`,
      `ff-${TRACE}-${PARENT}-01`,
      `${TRACEPARENT}-more`,
    ];
    await using collector = await startSpanCollector();
    await using relay = await startSimulatedRelay(
      { pace: UNPACED },
      exportTo(collector, { TRACES_FROM_CLIENTS: '1' }),
    );
    for (const traceparent of malformed) await answered(relay, { traceparent });
    await relay.close();
    const streams = collector.spans().filter(({ name }) => name.startsWith('chat '));
    expect(new Set([TRACE, ...streams.map(({ traceId }) => traceId)]).size).toBe(1 + malformed.length);
  });

  it('of a connection is a link of its streams: they are no parts of one operation', async () => {
    await using collector = await startSpanCollector();
    await using relay = await startSimulatedRelay(
      { pace: UNPACED },
      exportTo(collector, { TRACES_FROM_CLIENTS: '1' }),
    );
    const token = await relay.token();
    const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/v1/ws`, ['dash-relay.v1'], {
      headers: { authorization: `Bearer ${token}`, ...CONTEXT },
    });
    socket.once('open', () => {
      for (const id of ['one', 'two']) socket.send(JSON.stringify({ type: 'start', id, ...BODY }));
    });
    await relay.logged('stream ended', 2);
    socket.terminate();
    await relay.close();
    const streams = collector.spans().filter(({ name }) => name.startsWith('chat '));
    expect(new Set([TRACE, ...streams.map(({ traceId }) => traceId)]).size).toBe(3);
    for (const { links, parentSpanId } of streams) {
      expect(links).toEqual([expect.objectContaining({ traceId: TRACE, spanId: PARENT })]);
      expect(parentSpanId).toBeUndefined();
    }
  });

  it('of another package of this process does not reach the model either', async () => {
    // As a package of instrumentation does it that is loaded before the relay.
    propagation.setGlobalPropagator({
      inject: (_context, carrier, setter) => {
        for (const [name, value] of Object.entries(CONTEXT)) setter.set(carrier, name, value);
      },
      extract: (context) => context,
      fields: () => Object.keys(CONTEXT),
    });
    try {
      await using relay = await startSimulatedRelay({ keepBodies: true });
      await answered(relay);
      for (const name of Object.keys(CONTEXT)) expect(sentToModel(relay)).not.toHaveProperty(name);
    } finally {
      propagation.disable();
    }
  });
});

describe('a collector', () => {
  it('is sent protobuf unless JSON is asked for', async () => {
    await using collector = await startSpanCollector((response) => void response.end());
    await using relay = await startSimulatedRelay(
      { pace: UNPACED },
      { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    );
    await answered(relay);
    await relay.close();
    expect(collector.posted[0]?.headers['content-type']).toBe('application/x-protobuf');
    expect(collector.posted[0]?.body.toString('latin1')).toContain('chat claude-sonnet-5-5');
  });

  it('that refuses what it is sent costs a line of the log, and no stream', async () => {
    await using collector = await startSpanCollector(
      (response) => void response.writeHead(400).end('canary'),
    );
    await using relay = await startSimulatedRelay({ pace: UNPACED }, exportTo(collector));
    expect((await answered(relay)).statusCode).toBe(200);
    await relay.close();
    const [lost, ...more] = await relay.logged('spans do not reach their collector: these are lost');
    expect(more).toEqual([]);
    expect(lost).toMatchObject({ level: 'warn', event: 'spans_lost', cause: { code: 400 } });
    expect(relay.logText.join('')).not.toContain('canary');
  });

  it('that never answers does not hold up the end', async () => {
    await using collector = await startSpanCollector(() => {});
    await using relay = await startSimulatedRelay({ pace: UNPACED }, exportTo(collector));
    await answered(relay);
    await relay.close();
    expect(collector.posted.length).toBeGreaterThan(0);
    expect(await relay.logged('stopped')).toHaveLength(1);
  });

  it('is named at the start without what its address may hold', async () => {
    await using collector = await startSpanCollector();
    const url = `${collector.url.replace('//', '//user:canary@')}/otlp?key=canary`;
    const keys = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' };
    await using relay = await startSimulatedRelay(
      { pace: UNPACED },
      { ...keys, OTEL_TRACES_SAMPLER_ARG: '0.25' },
    );
    expect(await relay.logged('spans are exported')).toEqual([
      expect.objectContaining({ url: `${collector.url}/otlp`, protocol: 'http/protobuf', ratio: 0.25 }),
    ]);
    expect(relay.logText.join('')).not.toContain('canary');
  });
});

describe('the packages that make and export spans', () => {
  it.each([
    ['not without a key that asks for them', {}, false],
    ['where one does', { OTEL_TRACES_EXPORTER: 'otlp' }, true],
    ['not where they are switched off', { OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'true' }, false],
  ])('are loaded %s', async (_what, environment, loaded) => {
    using directory = dataDirectory();
    const folder = mkdtempSync(join(tmpdir(), 'loaded-'));
    const file = join(folder, 'modules');
    const hook = `import {registerHooks} from 'node:module';import {appendFileSync} from 'node:fs';
      registerHooks({resolve(name,context,next){appendFileSync(${JSON.stringify(file)},name+'\\n');return next(name,context)}})`;
    const options = `--import=data:text/javascript,${encodeURIComponent(hook)}`;
    try {
      const settings = { ...environment, NODE_OPTIONS: options };
      await using _relay = await spawnRelay(directory.path, settings, [], 'src/main.ts');
      const names = readFileSync(file, 'utf8').split('\n');
      expect(names).toContain('pino');
      expect(names.includes('@opentelemetry/sdk-trace')).toBe(loaded);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
