/** `POST /v1/client-metrics`: what it takes, what it refuses, and how much one user can say. */
import { describe, expect, it } from 'vitest';
import { METRICS_EVENT } from '../../src/protocol/streaming-metrics.ts';
import { ask } from '../support/http-doors.ts';
import { type StartedServer, startServer } from './start-server.ts';

const EVENT = {
  event: METRICS_EVENT,
  first_token_ms: 412,
  total_duration_ms: 3100.5,
  chunks_received: 40,
  bytes_streamed: 2048,
  platform: 'android',
  transport: 'websocket',
  status: 'done',
} as const;
const FAILED = { ...EVENT, first_token_ms: null, status: 'error', code: 'unreachable', resumes: 1 } as const;

const report = ({ url }: StartedServer, body: object | string, token = 'alice') =>
  ask(`${url}/v1/client-metrics`, { method: 'POST', token, body });
const outcomes = ({ observer }: StartedServer) => observer.reports.map(({ outcome }) => outcome);

it('takes a batch with 204, and tells nothing but what was measured', async () => {
  const server = await startServer();
  const { status, body } = await report(server, { events: [EVENT, FAILED], lost: 1 });
  expect([status, body]).toEqual([204, '']);
  expect(server.observer.reports).toEqual([
    { outcome: 'counted', report: EVENT },
    { outcome: 'counted', report: FAILED },
    { outcome: 'lost' },
  ]);
  expect(server.observer.refusals).toEqual([]);
});

describe('refuses with 400, naming the place', () => {
  it.each<readonly [string, unknown]>([
    ['', []],
    ['events: ', {}],
    ['events: ', { events: [] }],
    ['events: ', { events: Array(21).fill(EVENT) }],
    ['events: ', { events: Array(4000).fill(0) }],
    ['lost: ', { events: [EVENT], lost: 101 }],
    ['unknown field "userId"', { events: [EVENT], userId: 'me' }],
    ['events.0.unknown field "prompt"', { events: [{ ...EVENT, prompt: 'why' }] }],
    ['events.1.event: ', { events: [EVENT, { ...EVENT, event: 'other' }] }],
    ['events.0.first_token_ms: ', { events: [{ ...EVENT, first_token_ms: -1 }] }],
    ['events.0.first_token_ms: at most total_duration_ms', { events: [{ ...EVENT, first_token_ms: 4000 }] }],
    ['events.0.total_duration_ms: ', { events: [{ ...EVENT, total_duration_ms: 3_600_001 }] }],
    ['events.0.total_duration_ms: ', { events: [{ ...EVENT, total_duration_ms: null }] }],
    ['events.0.chunks_received: ', { events: [{ ...EVENT, chunks_received: 1.5 }] }],
    ['events.0.bytes_streamed: ', { events: [{ ...EVENT, bytes_streamed: '2048' }] }],
    ['events.0.platform: ', { events: [{ ...EVENT, platform: 'toaster' }] }],
    ['events.0.transport: ', { events: [{ ...EVENT, transport: 'pigeon' }] }],
    ['events.0.status: ', { events: [{ ...EVENT, status: undefined }] }],
    ['events.0.code: ', { events: [{ ...FAILED, code: 'mine' }] }],
    ['events.0.code: only with the status "error"', { events: [{ ...EVENT, code: 'internal' }] }],
    ['events.0.resumes: ', { events: [{ ...EVENT, resumes: 1001 }] }],
  ])('%s', async (place, body) => {
    const server = await startServer();
    const { status, body: answer } = await report(server, JSON.stringify(body));
    expect(status).toBe(400);
    expect(JSON.parse(answer)).toMatchObject({ error: { code: 'bad_request', retryable: false } });
    expect(JSON.parse(answer).error.message).toContain(place);
    expect(answer).not.toMatch(/toaster|pigeon|mine/);
    expect(server.observer.reports).toEqual([]);
    expect(server.observer.refusals).toMatchObject([{ door: 'client_metrics', code: 'bad_request' }]);
  });

  it('numbers that are none in JSON', async () => {
    const server = await startServer();
    const body = JSON.stringify({ events: [EVENT] });
    expect(await report(server, body.replace('3100.5', '1e999'))).toMatchObject({ status: 400 });
    expect(await report(server, body.replace('3100.5', 'NaN'))).toMatchObject({ status: 400 });
    expect(server.observer.reports).toEqual([]);
  });
});

it('refuses without a token (401), above 16 KiB (413), other types (415) and other methods (405)', async () => {
  const server = await startServer();
  const url = `${server.url}/v1/client-metrics`;
  const body = { events: [EVENT] };
  expect(await ask(url, { method: 'POST', body })).toMatchObject({ status: 401 });
  expect(await report(server, `${' '.repeat(16_384)}{}`)).toMatchObject({ status: 413 });
  const headers = { 'content-type': 'text/plain' };
  expect(await ask(url, { method: 'POST', token: 'alice', body, headers })).toMatchObject({ status: 415 });
  expect(await ask(url, { token: 'alice' })).toMatchObject({ status: 405 });
  expect(server.observer.reports).toEqual([]);
});

it('counts 30 a minute of one user, whoever else reports, and lets go of the rest', async () => {
  const server = await startServer();
  const batch = { events: Array(20).fill(EVENT), lost: 5 };
  expect((await report(server, batch)).status).toBe(204);
  expect((await report(server, batch)).status).toBe(204);
  const counts = (all: readonly string[]) => Object.groupBy(all, (outcome) => outcome);
  const first = counts(outcomes(server));
  expect([first['counted']?.length, first['lost']?.length, first['over_limit']?.length]).toEqual([25, 5, 20]);
  server.observer.reports.length = 0;
  await report(server, batch, 'bob');
  server.clock.advance(60_000);
  await report(server, batch);
  expect(counts(outcomes(server))['over_limit']).toBeUndefined();
});

it('is limited like every request of a user (429)', async () => {
  const server = await startServer({ limits: { requestsPerMinutePerUser: 1 } });
  await report(server, { events: [EVENT] });
  const { status, headers } = await report(server, { events: [EVENT] });
  expect([status, headers['retry-after']]).toEqual([429, expect.stringMatching(/^\d+$/)]);
});

it('is for pages of allowed origins', async () => {
  const server = await startServer({ allowedOrigins: ['https://app.example'] });
  const preflight = (origin: string) =>
    ask(`${server.url}/v1/client-metrics`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
  const { status, headers } = await preflight('https://app.example');
  expect([status, headers['access-control-allow-origin']]).toEqual([204, 'https://app.example']);
  expect((await preflight('https://other.example')).status).toBe(403);
});

it('is not there where it is switched off: 404', async () => {
  const server = await startServer({ routes: { clientMetrics: false } });
  const { status, body } = await report(server, { events: [EVENT] });
  expect([status, JSON.parse(body).error.code]).toEqual([404, 'not_found']);
});
