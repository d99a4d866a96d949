/** What scrapes of a while tell: rates, quantiles, and what a restart does to them. */
import { describe, expect, it } from 'vitest';
import { Change } from '../../src/top/change.ts';
import { History } from '../../src/top/history.ts';
import { scrapeOf } from './scrapes.ts';

const at = (seconds: number, done: number, live: number, started = 1) =>
  scrapeOf(
    seconds,
    `dash_process_start_time_seconds ${started}
dash_live_streams ${live}
dash_streams_ended_total{status="done",code="none"} ${done}
dash_streams_ended_total{status="error",code="internal"} 0
dash_cost_usd_total{action="chat",model="claude-sonnet-5-5"} ${done / 100}`,
  );

describe('a history', () => {
  it('has no rates of one scrape, and none of what the relay does not have', () => {
    const history = new History(30_000);
    expect(history.figures).toBeUndefined();
    history.add(at(0, 10, 3));
    expect(history.figures?.streams).toMatchObject({ live: 3, donePerSecond: null, usdPerHour: null });
    history.add(at(2, 14, 3));
    expect(history.figures?.streams).toMatchObject({ resumesPerSecond: null, connections: null });
    expect(history.figures?.latency.deltaGap).toEqual({ p50: null, p95: null });
  });

  it('takes rates over its window: starts are what ended and what lives now', () => {
    const history = new History(10_000);
    for (const [seconds, done, live] of [
      [0, 0, 0],
      [5, 100, 10],
      [10, 110, 10],
      [15, 120, 20],
    ] as const)
      history.add(at(seconds, done, live));
    expect(history.figures).toMatchObject({
      windowSeconds: 10,
      streams: {
        live: 20,
        donePerSecond: 2,
        startsPerSecond: 3,
        errorsPerSecond: 0,
        usdPerHour: expect.closeTo(72),
      },
    });
    expect(history.liveStreams()).toEqual([10, 10, 20]);
  });

  it('begins anew with another process: no rate falls below 0', () => {
    const history = new History(30_000);
    history.add(at(0, 1000, 50));
    history.add(at(2, 1010, 50));
    history.add(at(4, 2, 1, 2));
    expect(history.restarts).toBe(1);
    expect(history.figures).toMatchObject({ windowSeconds: 0, streams: { live: 1, donePerSecond: null } });
    history.add(at(6, 4, 1, 2));
    expect(history.figures?.streams.donePerSecond).toBe(1);
    expect(history.restarts).toBe(1);
  });

  it('notices a restart by a counter where the process does not say when it began', () => {
    const history = new History(30_000);
    history.add(at(0, 1000, 50));
    history.add(at(2, 5, 50));
    expect(history.restarts).toBe(1);
  });
});

describe('a change', () => {
  const buckets = (counts: readonly (readonly [le: string, count: number])[]) =>
    counts.map(([le, count]) => `wait_seconds_bucket{le="${le}"} ${count}`).join('\n');
  const before = scrapeOf(
    0,
    buckets([
      ['0.1', 100],
      ['0.5', 100],
      ['1', 100],
      ['+Inf', 100],
    ]),
  );
  const between = (counts: readonly (readonly [string, number])[]) =>
    new Change(before, scrapeOf(10, buckets(counts)));

  it('has quantiles of what came between, as Prometheus has them', () => {
    const change = between([
      ['0.1', 110],
      ['0.5', 190],
      ['1', 200],
      ['+Inf', 200],
    ]);
    expect(change.quantile(0.5, 'wait_seconds')).toBeCloseTo(0.3);
    expect(change.quantile(0.95, 'wait_seconds')).toBeCloseTo(0.75);
    expect(change.quantile(0.05, 'wait_seconds')).toBeCloseTo(0.05);
  });

  it('has none where nothing came, and infinity above the last bound', () => {
    expect(
      between([
        ['0.1', 100],
        ['0.5', 100],
        ['1', 100],
        ['+Inf', 100],
      ]).quantile(0.5, 'wait_seconds'),
    ).toBeUndefined();
    expect(
      between([
        ['0.1', 100],
        ['0.5', 100],
        ['1', 101],
        ['+Inf', 110],
      ]).quantile(0.95, 'wait_seconds'),
    ).toBe(Number.POSITIVE_INFINITY);
    expect(new Change(before, before).quantile(0.5, 'absent')).toBeUndefined();
  });

  it('names what rose by a label, the most first', () => {
    const change = new Change(
      scrapeOf(0, 'refusals{door="json",reason="a"} 5\nrefusals{door="json",reason="b"} 1'),
      scrapeOf(
        1,
        'refusals{door="json",reason="a"} 6\nrefusals{door="sse",reason="a"} 1\nrefusals{door="json",reason="b"} 9\nrefusals{door="json",reason="c"} 0',
      ),
    );
    expect(change.increasesBy('refusals', 'reason')).toEqual([
      ['b', 8],
      ['a', 2],
    ]);
  });
});
