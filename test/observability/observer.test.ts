import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/observability/metrics.ts';
import { createObserver } from '../../src/observability/observer.ts';
import type { Observer } from '../../src/observability/port.ts';
import { SampledLines } from '../../src/observability/sampled-lines.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { keepLines } from './log-lines.ts';

const CALLER = { door: 'websocket', requestId: null, connectionId: 'c1' } as const;
const PAYER = { organizationId: 'o1', tier: 'pro' };
const STREAM = { streamId: 's1', epoch: 'e1', userId: 'u1', action: 'chat', model: 'claude-sonnet-5-5' };
const ENDED: Parameters<Observer['streamEnded']>[0] = {
  ...STREAM,
  ...CALLER,
  ...PAYER,
  status: 'done',
  code: null,
  stopReason: 'end_turn',
  refusal: null,
  abortReason: null,
  usage: { inputTokens: 10, outputTokens: 20, cacheReadTokens: 3, cacheWriteTokens: 4, source: 'final' },
  servedModel: 'claude-opus-4-5-20251101',
  costUsd: 0.0042,
  cacheSavedUsd: 0,
  firstTokenMs: 512.34,
  firstTokenShares: { relayMs: 12.34, modelMs: 500 },
  totalMs: 2000,
  upstreamClosedMs: null,
  chunks: 40,
  bytes: 160,
  upstreamRequestId: 'req_1',
  cause: undefined,
};

function observe(level?: string) {
  const { logger, lines, parsed } = keepLines(level);
  const metrics = createMetrics();
  const clock = new ManualClock();
  const sampled = new SampledLines(logger, clock);
  return { clock, sampled, observer: createObserver(logger, metrics, sampled), metrics, lines, parsed };
}

describe('the observer', () => {
  it('writes one info line for each opening, start, ending and close', () => {
    const { observer, parsed } = observe('info');
    observer.connectionOpened({ connectionId: 'c1', userId: 'u1' });
    observer.streamStarted({ ...STREAM, ...CALLER, ...PAYER });
    observer.streamEnded(ENDED);
    observer.connectionClosed({
      connectionId: 'c1',
      userId: 'u1',
      code: 1000,
      reason: null,
      durationMs: 3000.06,
    });
    expect(parsed().map(({ level, msg }) => `${level}: ${msg}`)).toEqual([
      'info: connection opened',
      'info: stream started',
      'info: stream ended',
      'info: connection closed',
    ]);
    expect(parsed()[2]).toMatchObject({
      ...STREAM,
      ...CALLER,
      ...PAYER,
      status: 'done',
      stopReason: 'end_turn',
      servedModel: 'claude-opus-4-5-20251101',
      costUsd: 0.0042,
      firstTokenMs: 512.3,
      totalMs: 2000,
      outputTokens: 20,
    });
    expect(parsed()[3]).toMatchObject({ code: 1000, durationMs: 3000.1 });
  });

  it('logs only the fields it knows', () => {
    const { observer, lines } = observe();
    const more = { content: 'canary', token: 'canary', messages: ['canary'] };
    observer.connectionOpened({ connectionId: 'c1', userId: 'u1', ...more });
    observer.streamStarted({ ...STREAM, ...CALLER, ...PAYER, ...more });
    observer.streamEnded({ ...ENDED, ...more, cause: new Error('canary') });
    observer.refused({
      ...CALLER,
      userId: null,
      streamId: null,
      of: 'start',
      code: 'conflict',
      cause: more,
    });
    observer.resumed({ ...STREAM, ...CALLER, after: 1, head: 2, isRemote: false, ...more });
    observer.failed({ what: 'ledger', cause: new Error('canary', { cause: new Error('canary') }) });
    expect(lines).toHaveLength(6);
    expect(lines.join('')).not.toContain('canary');
  });

  it('says of a failure what kind of error it was', () => {
    const { observer, parsed } = observe();
    const cause = Object.assign(new Error('canary'), { code: 'ECONNREFUSED' });
    observer.failed({ what: 'ledger', cause });
    observer.streamEnded({ ...ENDED, cause });
    for (const line of parsed())
      expect(line).toMatchObject({ cause: { name: 'Error', code: 'ECONNREFUSED' } });
  });

  it('makes a flood of refusals a few lines and a count, by door and reason, in each ten seconds', async () => {
    const { observer, metrics, parsed, clock } = observe('info');
    const refused = { ...CALLER, userId: null, streamId: null, code: 'unauthorized' } as const;
    for (let count = 0; count < 1000; count += 1)
      observer.refused({ ...refused, of: 'upgrade', cause: 'expired' });
    observer.refused({ ...refused, door: 'sse', requestId: 'r1', of: 'start', cause: 'token_missing' });
    observer.refused({ ...refused, of: 'upgrade', code: 'internal', cause: new TypeError('canary') });
    clock.advance(10_000);
    const lines = parsed();
    expect(lines.filter(({ msg }) => msg === 'refused')).toHaveLength(5 + 1 + 1);
    expect(lines[0]).toMatchObject({ level: 'info', door: 'websocket', of: 'upgrade', reason: 'expired' });
    expect(lines[5]).toMatchObject({ door: 'sse', requestId: 'r1', reason: 'token_missing' });
    expect(lines[6]).toMatchObject({ level: 'warn', reason: 'internal', cause: { name: 'TypeError' } });
    expect(lines.filter(({ suppressed }) => suppressed !== undefined)).toEqual([
      expect.objectContaining({ msg: 'refused: more of them', reason: 'expired', suppressed: 995 }),
    ]);
    observer.refused({ ...refused, of: 'upgrade', cause: 'expired' });
    expect(parsed().at(-1)).toMatchObject({ msg: 'refused', reason: 'expired' });
    expect(await metrics.registry.metrics()).toContain(
      'dash_refusals_total{door="websocket",of="upgrade",code="unauthorized",reason="expired"} 1001',
    );
  });

  it('makes of no text a reason but of words of ours', async () => {
    const { observer, metrics } = observe('silent');
    const refused = { ...CALLER, userId: null, streamId: null, of: 'start', code: 'bad_request' } as const;
    for (const cause of ['A canary', 'x'.repeat(40), 'UPPER', new Error('expired'), undefined, 7])
      observer.refused({ ...refused, cause });
    const text = await metrics.registry.metrics();
    const refusals = text.split('\n').filter((line) => line.startsWith('dash_refusals_total'));
    expect(refusals).toEqual([
      'dash_refusals_total{door="websocket",of="start",code="bad_request",reason="bad_request"} 6',
    ]);
  });

  it('samples what one user can cause at will, and leaves other users their lines', () => {
    const { observer, sampled, parsed } = observe('info');
    for (let count = 0; count < 100; count += 1) {
      observer.connectionOpened({ connectionId: `c${count}`, userId: 'u1' });
      observer.resumed({ ...STREAM, ...CALLER, after: 1, head: 2, isRemote: false });
      observer.cancelAsked({ ...CALLER, userId: 'u1', streamId: 's1' });
      observer.connectionClosed({
        connectionId: `c${count}`,
        userId: 'u1',
        code: 1000,
        reason: null,
        durationMs: 1,
      });
    }
    observer.connectionOpened({ connectionId: 'other', userId: 'u2' });
    expect(parsed().length).toBe(4 * 50 + 1);
    expect(parsed().at(-1)).toMatchObject({ msg: 'connection opened', userId: 'u2' });
    sampled.close();
    const suppressed = parsed().flatMap((line) => (line['suppressed'] === undefined ? [] : [line]));
    expect(suppressed.map(({ msg, userId, suppressed: count }) => [msg, userId, count])).toEqual([
      ['connection opened: more of them', 'u1', 50],
      ['stream resumed: more of them', 'u1', 50],
      ['cancel asked: more of them', 'u1', 50],
      ['connection closed: more of them', 'u1', 50],
    ]);
  });

  it('logs an ending by a failure of its own as an error', () => {
    const { observer, parsed } = observe('error');
    observer.streamEnded({ ...ENDED, status: 'error', code: 'internal', cause: new TypeError('x') });
    observer.failed({ what: 'settle', cause: new Error('x'), epoch: 'e1' });
    expect(parsed().map(({ msg }) => msg)).toEqual(['stream ended', 'failed']);
  });

  it('counts', async () => {
    const { observer, metrics } = observe('silent');
    observer.connectionOpened({ connectionId: 'c1', userId: 'u1' });
    observer.connectionOpened({ connectionId: 'c2', userId: 'u1' });
    observer.connectionClosed({ connectionId: 'c2', userId: 'u1', code: 1006, reason: null, durationMs: 1 });
    observer.streamStarted({ ...STREAM, ...CALLER, ...PAYER });
    observer.streamStarted({ ...STREAM, ...CALLER, ...PAYER });
    observer.streamEnded(ENDED);
    observer.refused({
      ...CALLER,
      userId: null,
      streamId: null,
      of: 'upgrade',
      code: 'unauthorized',
      cause: 0,
    });
    observer.refused({
      ...CALLER,
      userId: null,
      streamId: null,
      of: 'start',
      code: 'conflict',
      cause: 0,
    });
    const text = await metrics.registry.metrics();
    for (const line of [
      'dash_connections 1',
      'dash_connections_closed_total{code="1006"} 1',
      'dash_upgrades_total{outcome="accepted"} 2',
      'dash_upgrades_total{outcome="unauthorized"} 1',
      'dash_refusals_total{door="websocket",of="start",code="conflict",reason="conflict"} 1',
      'dash_live_streams 1',
      'dash_streams_ended_total{status="done",code="none"} 1',
      'dash_tokens_total{kind="output",source="final"} 20',
      'dash_deltas_total 40',
      'dash_text_bytes_total 160',
      'dash_first_token_seconds_count 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  it('counts what is written to the cache beside what is read, also where that is nothing', async () => {
    const { observer, metrics } = observe('silent');
    const ended = (action: string, cacheWriteTokens: number, cacheReadTokens: number) =>
      observer.streamEnded({
        ...ENDED,
        action,
        usage: { ...ENDED.usage, cacheWriteTokens, cacheReadTokens },
      });
    ended('chat', 100, 0);
    ended('chat', 20, 300);
    ended('grading', 700, 0);
    ended('lesson', 0, 0);
    const lines = (await metrics.registry.metrics()).split('\n');
    const series = lines.filter((line) => line.startsWith('dash_cache_tokens_total'));
    expect(series.map((line) => line.replace(',model="claude-sonnet-5-5"', ''))).toEqual([
      'dash_cache_tokens_total{action="chat",kind="write"} 120',
      'dash_cache_tokens_total{action="chat",kind="read"} 300',
      'dash_cache_tokens_total{action="grading",kind="write"} 700',
      'dash_cache_tokens_total{action="grading",kind="read"} 0',
    ]);
  });

  it('sums what answers cost by the model that was asked, and counts those whose cost is not known', async () => {
    const { observer, metrics } = observe('silent');
    for (const costUsd of [0.0042, 0.01, null, 0]) observer.streamEnded({ ...ENDED, costUsd });
    metrics.built('1.2.3');
    const lines = (await metrics.registry.metrics()).split('\n');
    expect(lines).toContain('dash_cost_usd_total{action="chat",model="claude-sonnet-5-5"} 0.0142');
    expect(lines).toContain('dash_unpriced_streams_total{action="chat",model="claude-sonnet-5-5"} 1');
    expect(lines).toContain(`dash_build_info{version="1.2.3",node="${process.version}"} 1`);
  });

  it('counts what the cache saved and what it cost, each for itself, and what was estimated', async () => {
    const { observer, metrics } = observe('silent');
    for (const cacheSavedUsd of [0.5, 0.25, -0.125, null, 0])
      observer.streamEnded({ ...ENDED, cacheSavedUsd });
    for (const source of ['estimated', 'input_only', 'none'] as const)
      observer.streamEnded({ ...ENDED, usage: { ...ENDED.usage, source } });
    const lines = (await metrics.registry.metrics()).split('\n');
    const labels = '{action="chat",model="claude-sonnet-5-5"}';
    expect(lines).toContain(`dash_cache_savings_usd_total${labels} 0.75`);
    expect(lines).toContain(`dash_cache_losses_usd_total${labels} 0.125`);
    expect(lines).toContain(`dash_estimated_streams_total${labels} 2`);
    expect(lines).toContain('dash_first_token_relay_seconds_count 8');
  });

  it('lets no user fill the log with refusals', async () => {
    const { observer, parsed } = observe('info');
    const refuse = (userId: string) =>
      observer.refused({
        ...CALLER,
        userId,
        streamId: 's',
        of: 'ack',
        code: 'bad_request',
        cause: undefined,
      });
    for (let count = 0; count < 1000; count += 1) refuse('loud');
    refuse('quiet');
    expect(parsed().filter(({ userId }) => userId === 'loud')).toHaveLength(5);
    expect(parsed().filter(({ userId }) => userId === 'quiet')).toHaveLength(1);
  });

  it('makes no time series of a close code that a peer invents', async () => {
    const { observer, metrics } = observe('silent');
    for (const code of [3000, 4999, 1000]) {
      observer.connectionClosed({ connectionId: 'c', userId: 'u', code, reason: null, durationMs: 1 });
    }
    const text = await metrics.registry.metrics();
    expect(text).toContain('dash_connections_closed_total{code="other"} 2');
    expect(text).not.toContain('4999');
  });
});

describe('metrics', () => {
  it('holds the process metrics and watched values, all with the prefix', async () => {
    const metrics = createMetrics();
    let degraded = 0;
    metrics.watch('dash_ledger_degraded', () => degraded);
    degraded = 1;
    const text = await metrics.registry.metrics();
    expect(text).toContain('dash_ledger_degraded 1');
    expect(text).toContain('dash_nodejs_eventloop_lag_seconds');
    expect(text).toContain('dash_process_resident_memory_bytes');
    const names = (await metrics.registry.getMetricsAsJSON()).map(({ name }) => name);
    expect(names.filter((name) => !name.startsWith('dash_'))).toEqual([]);
  });
});
