/** What an app measures gets into the relay's metrics: in batches, at the cost of no stream, and never for ever. */
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { createAIService } from '../../src/client/ai-service.ts';
import { METRICS_EVENT, type StreamingMetrics } from '../../src/client/index.ts';
import { createMetricsReporter, type MetricsReporterOptions } from '../../src/client/metrics-reporter.ts';
import type { FetchRequest, FetchResponse } from '../../src/client/platform.ts';
import type { ReportBatch } from '../../src/protocol/streaming-metrics.ts';
import { startTestRelay, type TestRelay } from '../../src/testing/index.ts';
import { seriesOf } from '../support/catalogued-metrics.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { connectTo, QUESTION, until } from './test-client.ts';

let relay: TestRelay;
beforeAll(async () => {
  relay = await startTestRelay();
});
afterAll(() => relay.close());

const FIELDS: StreamingMetrics = {
  first_token_ms: 400,
  total_duration_ms: 3000,
  chunks_received: 40,
  bytes_streamed: 2048,
  platform: 'ios',
  transport: 'sse',
  resumes: 0,
  status: 'done',
};

/** What /metrics says of clients, without what is 0. */
async function reported(of: Pick<TestRelay, 'url'> = relay): Promise<string[]> {
  const series = seriesOf(await (await fetch(`${of.url}/metrics`)).text());
  return series.flatMap(({ name, labels, value }) =>
    /^dash_client_.*_total$/.test(name) && value > 0
      ? `${name} ${Object.values(labels).join(' ')} ${value}`
      : [],
  );
}

/** A reporter whose relay answers with these, in turn; the last one again. */
function reporterWith(answers: readonly Answering[], more: Partial<MetricsReporterOptions> = {}) {
  const clock = new ManualClock();
  const batches: ReportBatch[] = [];
  const requests: FetchRequest[] = [];
  const reporter = createMetricsReporter({
    url: 'https://relay.example/',
    getToken: () => 'token',
    clock,
    fetch: async (url, init) => {
      expect(url).toBe('https://relay.example/v1/client-metrics');
      requests.push(init);
      batches.push(JSON.parse(String(init.body ?? '')));
      const answer = answers[Math.min(batches.length, answers.length) - 1];
      if (answer === undefined || answer === 'no network') throw new TypeError('failed to fetch');
      return answerOf(answer);
    },
    ...more,
  });
  const tell = (count: number, fields: Partial<StreamingMetrics> = {}): void => {
    for (let each = 0; each < count; each += 1) reporter.onMetrics(METRICS_EVENT, { ...FIELDS, ...fields });
  };
  const settled = async (count: number): Promise<void> => {
    await until(() => batches.length === count);
    await reporter.flush();
  };
  return { clock, reporter, batches, requests, tell, settled };
}

type Answering = 'no network' | readonly [status: number, code?: string, retryable?: boolean];

function answerOf([status, code, retryable = false]: Exclude<Answering, 'no network'>): FetchResponse {
  const body = code === undefined ? null : JSON.stringify({ error: { code, message: code, retryable } });
  return new Response(body, { status }) as FetchResponse;
}

it('real streams of an app are in the metrics of the relay, and in its own analytics', async () => {
  const tracked: StreamingMetrics[] = [];
  const getToken = () => relay.token();
  const reporter = createMetricsReporter({
    url: relay.url,
    getToken,
    track: (_, fields) => tracked.push(fields),
  });
  const { client } = connectTo(relay, { onMetrics: reporter.onMetrics, platform: 'android' });
  relay.simulator.script({ deltas: ['Hello ', 'world'] });
  await client.stream(QUESTION).final;
  relay.simulator.script('stall');
  const stopped = client.stream(QUESTION);
  await until(() => stopped.position.epoch !== undefined);
  await stopped.cancel();
  await client.stream({ ...QUESTION, action: 'no_such_action' }).final.catch(() => {});
  await reporter.close();
  expect(tracked).toMatchObject([
    { status: 'done', bytes_streamed: 11, platform: 'android', first_token_ms: expect.any(Number) },
    { status: 'cancelled' },
    { status: 'error', code: 'unknown_action' },
  ]);
  expect(await reported()).toEqual([
    'dash_client_streams_total websocket done 1',
    'dash_client_streams_total websocket cancelled 1',
    'dash_client_streams_total websocket error 1',
    'dash_client_errors_total android unknown_action 1',
    'dash_client_reports_total counted 3',
  ]);
  const body = await (await fetch(`${relay.url}/metrics`)).text();
  expect(body).toMatch(/^dash_client_first_token_seconds_count\{transport="websocket"\} [12]$/m);
  expect(body).toContain('dash_client_stream_seconds_count{transport="websocket"} 3');
});

it('the app’s own function counts as fallback, from the question on', async () => {
  const clock = new ManualClock();
  const onMetrics = vi.fn();
  const { callAIServiceStreaming } = createAIService({
    flags: {},
    getToken: () => 'token',
    clock,
    platform: 'ios',
    onMetrics,
    async fallback(_, onChunk) {
      clock.advance(700);
      onChunk('An answer');
      clock.advance(300);
      return { content: 'An answer' };
    },
  });
  await callAIServiceStreaming(QUESTION, () => {});
  expect(onMetrics.mock.calls).toEqual([
    [
      METRICS_EVENT,
      {
        first_token_ms: 700,
        total_duration_ms: 1000,
        chunks_received: 1,
        bytes_streamed: 9,
        platform: 'ios',
        transport: 'fallback',
        resumes: 0,
        status: 'done',
      },
    ],
  ]);
});

it('waits 30 s for more, or for 20, and sends within the bounds of the relay', async () => {
  const { clock, batches, requests, tell, settled } = reporterWith([[204]]);
  tell(2, { platform: 'windows', total_duration_ms: 9e9, status: 'error', code: 'detached' });
  clock.advance(29_999);
  expect(batches).toEqual([]);
  clock.advance(1);
  await settled(1);
  const { platform, total_duration_ms: ms, code } = batches[0]?.events[0] ?? {};
  expect([platform, ms, code]).toEqual(['other', 3_600_000, undefined]);
  tell(20);
  await settled(2);
  expect(batches.map(({ events }) => events.length)).toEqual([2, 20]);
  expect(requests[0]).toMatchObject({ method: 'POST', keepalive: true });
  clock.advance(600_000);
  expect(batches).toHaveLength(2);
});

it('tries once more where that may help, then lets go and says how many', async () => {
  const { clock, reporter, batches, tell, settled } = reporterWith([
    'no network',
    [503, 'unavailable', true],
    [204],
  ]);
  tell(3);
  await reporter.flush();
  expect(reporter.lost).toBe(0);
  clock.advance(30_000);
  await settled(2);
  expect(reporter.lost).toBe(3);
  clock.advance(600_000);
  expect(batches).toHaveLength(2);
  tell(1);
  await reporter.flush();
  expect(batches.map(({ events, lost }) => [events.length, lost])).toEqual([
    [3, 0],
    [3, 0],
    [1, 3],
  ]);
  tell(1);
  await reporter.flush();
  expect(batches[3]?.lost).toBe(0);
});

it.each<readonly [string, Answering, number]>([
  ['a body that is refused is not sent again', [400, 'bad_request'], 2],
  ['a portal that answers everything has taken nothing', [200], 0],
  ['nor has a proxy whose refusal is not the relay’s', [404], 0],
])('%s', async (_, answer, lost) => {
  const { clock, reporter, batches, tell, settled } = reporterWith([answer, [204]]);
  tell(2);
  await reporter.flush();
  expect(reporter.lost).toBe(lost);
  clock.advance(30_000);
  if (lost === 0) await settled(2);
  expect(batches).toHaveLength(lost === 0 ? 2 : 1);
});

it('holds 20 at most while there is no network', async () => {
  const { reporter, batches, tell } = reporterWith(['no network']);
  tell(20);
  tell(15);
  await until(() => reporter.lost === 15);
  await reporter.close();
  expect(batches.map(({ events }) => events.length)).toEqual([20, 20]);
  expect(reporter.lost).toBe(35);
});

it('is quiet for good where the operator switched it off', async () => {
  await using quiet = await closing(startTestRelay({ environment: { CLIENT_METRICS: 'false' } }));
  const requests: string[] = [];
  const track = vi.fn();
  const reporter = createMetricsReporter({
    url: quiet.relay.url,
    getToken: () => quiet.relay.token(),
    track,
    fetch: (url, init) => {
      requests.push(url);
      return fetch(url, init);
    },
  });
  reporter.onMetrics(METRICS_EVENT, FIELDS);
  await reporter.flush();
  reporter.onMetrics(METRICS_EVENT, FIELDS);
  await reporter.close();
  expect([requests.length, reporter.lost, track.mock.calls.length]).toEqual([1, 0, 2]);
  expect(await reported(quiet.relay)).toEqual([]);
});

it('sends what waits when an app goes to the background or a page is hidden, and when it is closed', async () => {
  const states: ((state: string) => void)[] = [];
  const AppState = {
    addEventListener: (_: 'change', listener: (state: string) => void) => {
      states.push(listener);
      return { remove: () => states.splice(0) };
    },
  };
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('document', page);
  onTestFinished(() => void vi.unstubAllGlobals());
  const { reporter, batches, tell, settled } = reporterWith([[204]], { AppState });
  tell(1);
  for (const listener of states) listener('inactive');
  page.dispatchEvent(new Event('visibilitychange'));
  expect(batches).toEqual([]);
  for (const listener of states) listener('background');
  await settled(1);
  tell(1);
  page.visibilityState = 'hidden';
  page.dispatchEvent(new Event('visibilitychange'));
  await settled(2);
  tell(1);
  await reporter.close();
  expect(batches).toHaveLength(3);
  expect(states).toEqual([]);
  tell(1);
  page.dispatchEvent(new Event('visibilitychange'));
  await reporter.flush();
  expect(batches).toHaveLength(3);
});

it('gives up on an answer after 10 s, and on a token that does not come', async () => {
  let isAsked = false;
  const hanging = reporterWith([], {
    fetch: (_, { signal }) => {
      isAsked = true;
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
      });
    },
  });
  hanging.tell(1);
  const flushed = hanging.reporter.close();
  await until(() => isAsked);
  hanging.clock.advance(10_000);
  await flushed;
  expect(hanging.reporter.lost).toBe(1);
  const nobody = reporterWith([[204]], { getToken: () => null });
  nobody.tell(1);
  await nobody.reporter.close();
  expect([nobody.batches.length, nobody.reporter.lost]).toEqual([0, 1]);
});

async function closing(starting: Promise<TestRelay>) {
  const started = await starting;
  return { relay: started, [Symbol.asyncDispose]: () => started.close() };
}
