import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/observe/metrics.ts';
import { createObserver } from '../../src/observe/observer.ts';
import type { Observer } from '../../src/relay/port.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { keepLines } from './log-lines.ts';

const STREAM = { streamId: 's1', epoch: 'e1', userId: 'u1', action: 'chat', model: 'claude-sonnet-5-5' };
const ENDED: Parameters<Observer['streamEnded']>[0] = {
  ...STREAM,
  status: 'done',
  code: null,
  stopReason: null,
  usage: { inputTokens: 10, outputTokens: 20, cacheReadTokens: 3, cacheWriteTokens: 4, source: 'final' },
  firstTokenMs: 512.34,
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
  return { observer: createObserver(logger, metrics, clock), clock, metrics, lines, parsed };
}

describe('the observer', () => {
  it('writes one info line for each opening, start, ending and close', () => {
    const { observer, parsed } = observe('info');
    observer.connectionOpened({ connectionId: 'c1', userId: 'u1' });
    observer.streamStarted({ ...STREAM, connectionId: 'c1' });
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
      status: 'done',
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
    observer.streamStarted({ ...STREAM, connectionId: 'c1', ...more });
    observer.streamEnded({ ...ENDED, ...more, cause: new Error('canary') });
    observer.refused({
      connectionId: 'c1',
      userId: null,
      streamId: null,
      of: 'start',
      code: 'conflict',
      cause: more,
    });
    observer.resumed({ ...STREAM, connectionId: 'c1', after: 1, head: 2, ...more });
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

  it('keeps a flood of refused handshakes below info, and what the operator must know above', () => {
    const { observer, parsed } = observe('info');
    const refused = { connectionId: 'c1', userId: null, streamId: null, cause: undefined };
    observer.refused({ ...refused, of: 'upgrade', code: 'unauthorized' });
    observer.refused({ ...refused, of: 'upgrade', code: 'internal' });
    observer.refused({ ...refused, of: 'start', code: 'quota_exceeded' });
    expect(parsed().map(({ level, code }) => [level, code])).toEqual([
      ['warn', 'internal'],
      ['info', 'quota_exceeded'],
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
    observer.streamStarted({ ...STREAM, connectionId: 'c1' });
    observer.streamStarted({ ...STREAM, connectionId: 'c1' });
    observer.streamEnded(ENDED);
    observer.refused({
      connectionId: null,
      userId: null,
      streamId: null,
      of: 'upgrade',
      code: 'unauthorized',
      cause: 0,
    });
    observer.refused({
      connectionId: null,
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
      'dash_refusals_total{of="start",code="conflict"} 1',
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

  it('lets no user fill the log with refusals, and says what is left out', async () => {
    const { observer, clock, metrics, parsed } = observe('info');
    const refuse = (userId: string) =>
      observer.refused({
        connectionId: 'c',
        userId,
        streamId: 's',
        of: 'ack',
        code: 'bad_request',
        cause: undefined,
      });
    for (let count = 0; count < 1000; count += 1) refuse('loud');
    refuse('quiet');
    expect(parsed().filter(({ userId }) => userId === 'loud')).toHaveLength(20);
    expect(parsed().filter(({ userId }) => userId === 'quiet')).toHaveLength(1);
    clock.advance(10_000);
    refuse('loud');
    expect(parsed().slice(-2)).toMatchObject([
      { msg: 'refusals left out', lines: 980, users: 1 },
      { msg: 'refused', userId: 'loud' },
    ]);
    const text = await metrics.registry.metrics();
    expect(text).toContain('dash_refusals_total{of="ack",code="bad_request"} 1002');
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
    metrics.watch('ledger_degraded', 'Whether the ledger cannot write', () => degraded);
    degraded = 1;
    const text = await metrics.registry.metrics();
    expect(text).toContain('dash_ledger_degraded 1');
    expect(text).toContain('dash_nodejs_eventloop_lag_seconds');
    expect(text).toContain('dash_process_resident_memory_bytes');
    const names = (await metrics.registry.getMetricsAsJSON()).map(({ name }) => name);
    expect(names.filter((name) => !name.startsWith('dash_'))).toEqual([]);
  });
});
