/** The screen: what stands where, in a terminal of any size, with figures and without. */
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../src/observability/metric-definitions.ts';
import { figuresOf } from '../../src/top/figures.ts';
import { age, bytes, count, perSecond, sparkline, time } from '../../src/top/format.ts';
import type { Scrape } from '../../src/top/scrape.ts';
import { type Size, screenOf, type View } from '../../src/top/screen.ts';
import { scrapeOf } from './scrapes.ts';

const NOW = new Date(2026, 10, 28, 12, 0, 0);

function busy(seconds: number, times: number): Scrape {
  const codes = ['internal', 'upstream_error', 'upstream_overloaded', 'upstream_timeout'];
  const lines = [
    'dash_build_info{version="1.2.3",node="v26"} 1',
    'dash_live_streams 412',
    'dash_connections 380',
    ...codes.map((code, at) => `dash_streams_ended_total{status="error",code="${code}"} ${times * (at + 1)}`),
    ...codes.map(
      (code, at) =>
        `dash_refusals_total{door="json",of="start",code="${code}",reason="reason_${at}"} ${times}`,
    ),
    `dash_streams_ended_total{status="done",code="none"} ${times * 100}`,
    ...['first_token', 'first_token_model', 'first_token_relay', 'delta_gap', 'client_first_token'].flatMap(
      (name) => [
        `dash_${name}_seconds_bucket{le="1"} 0`,
        `dash_${name}_seconds_bucket{le="2"} ${times}`,
        `dash_${name}_seconds_bucket{le="+Inf"} ${times}`,
      ],
    ),
    ...['requests', 'input_tokens', 'output_tokens'].flatMap((limit) => [
      `dash_upstream_limit{limit="${limit}"} 1000`,
      `dash_upstream_limit_remaining{limit="${limit}"} ${limit === 'input_tokens' ? 50 : 500}`,
    ]),
    'dash_postgres_up 0',
    'dash_redis_up 1',
    'dash_keys_up 1',
    'dash_keys_age_seconds 61',
    'dash_usage_rows_waiting 1200',
    'dash_usage_oldest_waiting_seconds 4000',
    'dash_usage_rows_quarantined 2',
    'dash_ledger_degraded 0',
    'dash_upstream_requests 400',
    'dash_nodejs_eventloop_lag_p99_seconds 0.25',
    'dash_process_resident_memory_bytes 512000000',
    'dash_switch{name="relay"} 1',
    'dash_switch{name="websocket_percent"} 10',
  ];
  return scrapeOf(seconds, lines.join('\n'), {
    status: 'ready',
    dependencies: { postgres: 'down', account: 'up' },
  });
}

function viewOf(changed: Partial<View> = {}): View {
  return {
    figures: figuresOf(busy(0, 0), busy(10, 10)),
    address: '127.0.0.1:9091',
    away: undefined,
    paused: false,
    restarts: 0,
    live: [1, 2, 412],
    now: NOW,
    ...changed,
  };
}

function text(view: View, size: Size = { columns: 80, rows: 23 }): string[] {
  return screenOf(view, size).map((line) => line.map((part) => part.text).join(''));
}

const styleOf = (view: View, words: string) =>
  screenOf(view, { columns: 80, rows: 100 })
    .flat()
    .find((part) => part.text.includes(words))?.style;

describe('a screen of 80 columns and 24 lines', () => {
  it('has all of a relay that is in every difficulty', () => {
    const lines = text(viewOf());
    expect(lines.length).toBeLessThanOrEqual(23);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    const whole = lines.join('\n');
    for (const words of [
      / READY {3}dash-relay 1\.2\.3 {2}127\.0\.0\.1:9091/,
      /rates over the last 10 s .* 12:00:00/,
      /live +▁▁█ 412 /,
      /first token +1\.50 s, 1\.95 s/,
      /at clients +1\.50 s, 1\.95 s/,
      /waiting, oldest +1200, 1 h 6 min /,
      /postgres +DOWN /,
      /least left: input_tokens +5 % /,
      /keys fetched +1 min 1 s ago/,
      /event loop p99 +250 ms/,
      /switch websocket_percent +10 %/,
      /upstream_timeout +40\b/,
      /reason_0 +10\b/,
    ])
      expect(whole).toMatch(words);
    expect(whole).not.toContain('switch relay');
  });

  it('shows by its style what is to be acted on', () => {
    expect(styleOf(viewOf(), 'DOWN')).toBe('bad');
    expect(styleOf(viewOf(), '1200, 1 h')).toBe('bad');
    expect(styleOf(viewOf(), '5 %')).toBe('warn');
    expect(styleOf(viewOf(), 'READY')).toBe('good');
  });
});

it('puts one column below the other where there is no room, and never breaks a line', () => {
  const lines = text(viewOf(), { columns: 50, rows: 100 });
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(50);
  const titles = lines.filter((line) => /^[A-Z]{2}/.test(line)).map((line) => line.trim());
  expect(titles).toEqual([
    'STREAMS',
    'USAGE ROWS',
    'DEPENDS ON',
    'TIME  p50, p95',
    'PROCESS',
    'ERRORS BY CODE',
    'REFUSALS BY REASON',
  ]);
  expect(text(viewOf(), { columns: 20, rows: 5 })).toHaveLength(5);
});

it('has each of several processes, those that do not serve first and to be seen', () => {
  const at = (seconds: number, cpu: number) =>
    scrapeOf(
      seconds,
      [
        'dash_live_streams 9',
        ...[1, 2, 10].flatMap((worker) => [
          `dash_worker_connections{worker="${worker}"} ${worker}`,
          `dash_worker_live_streams{worker="${worker}"} 3`,
          `dash_worker_cpu_seconds_total{worker="${worker}"} ${worker === 10 ? 100 - cpu : cpu}`,
        ]),
      ].join('\n'),
      {
        status: 'ready',
        dependencies: {},
        workers: { 1: 'ready', 2: 'ready', 3: 'restarting', 10: 'ready' },
      },
    );
  const view = viewOf({ figures: figuresOf(at(0, 0), at(10, 5)) });
  const lines = text(view, { columns: 40, rows: 100 });
  const from = lines.findIndex((line) => line.startsWith('WORKERS  streams, connections, CPU'));
  expect(lines.slice(from + 1, from + 5).map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['3 restarting', '-, -, -'],
    ['1 ready', '3, 1, 50 %'],
    ['2 ready', '3, 2, 50 %'],
    ['10 ready', '3, 10, -'], // begun again: it counts anew
  ]);
  expect(styleOf(view, '-, -, -')).toBe('bad');
  expect(text(viewOf()).join('')).not.toContain('WORKERS');
});

it('says that the relay is away, since when and why, with its last figures dimmed', () => {
  const away = viewOf({ away: { why: 'nobody answers (ECONNREFUSED)', since: NOW } });
  expect(text(away)[0]).toMatch(/^ AWAY since 12:00:00 {2}nobody answers \(ECONNREFUSED\)/);
  expect(styleOf(away, 'DOWN')).toBe('dim');
  expect(text(viewOf({ figures: undefined, away: away.away }))).toHaveLength(2);
});

it('says that it holds still, and how often the relay was started anew', () => {
  expect(text(viewOf({ paused: true }))[1]).toMatch(/^PAUSED /);
  expect(text(viewOf({ restarts: 1 }))[0]).toMatch(/restarted once/);
});

it('copes with a relay that has hardly any of the metrics', () => {
  const bare = scrapeOf(0, 'dash_live_streams 1');
  const lines = text(viewOf({ figures: figuresOf(bare, bare) }));
  expect(lines[0]).toMatch(/^ UP /);
  expect(lines.join('\n')).toMatch(/dollars \/ hour +- /);
  expect(lines.join('\n')).not.toMatch(/NaN|undefined|null/);
});

it('prints nothing of a label or a status that a terminal obeys', () => {
  const evil = '\u001B]0;evil\u0007';
  const line = (times: number) =>
    scrapeOf(times, `dash_live_streams 1\ndash_streams_ended_total{status="error",code="${evil}"} ${times}`, {
      status: evil,
      dependencies: { [evil]: 'down' },
    });
  expect(text(viewOf({ figures: figuresOf(line(0), line(5)) })).join('')).not.toContain('\u001B');
});

it('asks for no metric that the relay does not define', () => {
  const source = figuresOf.toString();
  const asked = [...source.matchAll(/"(dash_\w+?)(_bucket|_count)?"|'(dash_\w+?)(_count)?'/g)].map(
    ([, double, , single]) => double ?? single ?? '',
  );
  const own = asked.filter((name) => !/^dash_(process|nodejs)_/.test(name));
  expect(own.length).toBeGreaterThan(15);
  expect(own.filter((name) => !(name in METRICS))).toEqual([]);
});

describe('figures are short', () => {
  it.each([
    [count(9999), '9999'],
    [count(12_345), '12.3k'],
    [count(12_345_678), '12.3M'],
    [perSecond(0.125), '0.13'],
    [perSecond(1234.5), '1235'],
    [time(0.0005), '0.5 ms'],
    [time(0.25), '250 ms'],
    [time(2.345), '2.35 s'],
    [time(60), '60 s'],
    [time(Number.POSITIVE_INFINITY), '> 600 s'],
    [time(null), '-'],
    [age(59), '59 s'],
    [age(3600), '1 h'],
    [age(90_061), '1 d 1 h'],
    [bytes(512e6), '512 MB'],
    [bytes(2.5e9), '2.50 GB'],
    [sparkline([0, 1, 2, 4], 3), '▃▅█'],
    [sparkline([0, 0], 3), '▁▁'],
  ])('%s', (shown, expected) => {
    expect(shown).toBe(expected);
  });
});
