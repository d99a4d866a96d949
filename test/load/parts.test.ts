/** What a load counts and checks by itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CommandLineError } from '../../src/command-line/subcommand.ts';
import { FrameChecker } from '../../src/load/frame-checker.ts';
import { Histogram } from '../../src/load/histogram.ts';
import { Meter } from '../../src/load/meter.ts';
import { loadOptionsOf, OPTIONS } from '../../src/load/options.ts';
import { startSelfCheck } from '../../src/load/self-check.ts';

const optionsOf = (...args: string[]) =>
  loadOptionsOf(parseArgs({ args, options: { ...OPTIONS, help: { type: 'boolean' } } }).values, {});

describe('the checker of frames', () => {
  const chunk = (seq: number, count?: number) =>
    ({ type: 'chunk', id: 's', seq, content: 'x', ...(count === undefined ? {} : { count }) }) as const;
  const check = (...frames: readonly object[]) => {
    const meter = new Meter();
    const checker = new FrameChecker(meter);
    checker.received({ type: 'accepted', id: 's', epoch: 'e', model: 'm' });
    for (const frame of frames) checker.received(frame as Parameters<FrameChecker['received']>[0]);
    return meter.faults;
  };
  const resumed = { type: 'resumed', id: 's', epoch: 'e', after: 2, head: 3, model: 'm', state: 'live' };
  const done = (seq: number) => ({ type: 'done', id: 's', seq });

  it.each([
    ['each once, merged ones too', [chunk(1), chunk(3, 2), done(3)], { missing: 0, doubled: 0 }],
    ['on another connection', [chunk(2, 2), resumed, chunk(3), done(3)], { missing: 0, doubled: 0 }],
    ['a gap', [chunk(1), chunk(4), done(4)], { missing: 2, doubled: 0 }],
    ['twice', [chunk(1), chunk(2), resumed, chunk(2), done(2)], { missing: 0, doubled: 1 }],
    ['an overlap', [chunk(3, 3), resumed, chunk(4, 2), done(4)], { missing: 0, doubled: 1 }],
    ['an ending too early', [chunk(1), done(3)], { missing: 2, doubled: 0 }],
  ])('sees %s', (_, frames, faults) => {
    expect(check(...frames)).toMatchObject(faults);
  });

  it('sees an answer whose text is shorter than its ending says', () => {
    const meter = new Meter();
    const timing = { firstTokenMs: 1, totalMs: 2, chunks: 1, bytes: 3 };
    const answer = { outcome: 'done', id: 's', content: 'ü', transport: 'sse', timing } as never;
    meter.asked();
    meter.ended(answer, 2);
    expect(meter.faults.incomplete).toBe(1);
  });
});

describe('the options', () => {
  it.each([
    [['--url', 'relay.example.com'], '--url is not an address'],
    [['--url', 'ftp://relay.example.com'], '--url is not an address'],
    [['--url', 'wss://relay.example.com?token=x'], '--url: a user, a query or a fragment'],
    [['--streams', '0'], '--streams is a number from 1 to 100000: 0'],
    [['--streams', '1.5'], '--streams is a whole number'],
    [['--per-socket', 'ten'], '--per-socket is a whole number'],
    [['--minutes', '0'], '--minutes is a number from 0.01 to 1440: 0'],
    [['--transport', 'pigeon'], '--transport takes websocket, sse, json: pigeon'],
    [['--drop', '101%'], '--drop is a share from 0% to 100%: 101%'],
    [['--drop', '5%', '--transport', 'json'], '--drop: a JSON answer has no middle'],
    [['--token', 'a', '--tokens', 'b'], '--token and --tokens: take one of them'],
    [['--tokens', '/nowhere/tokens'], '--tokens: /nowhere/tokens cannot be read'],
    [['--message', ' '], '--message is empty'],
    [['--max-cost-usd', '0'], '--max-cost-usd is a number of dollars'],
    [['--max-errors', 'few'], '--max-errors is a share'],
  ])('%j is refused by a sentence', (args, sentence) => {
    expect(() => optionsOf(...args)).toThrow(CommandLineError);
    expect(() => optionsOf(...args)).toThrow(sentence);
  });

  it.each([
    ['wss://relay.example.com', 'https://relay.example.com'],
    ['wss://relay.example.com/v1/ws', 'https://relay.example.com'],
    ['ws://127.0.0.1:8787/', 'http://127.0.0.1:8787'],
    ['https://example.com/relay/', 'https://example.com/relay'],
  ])('take the address %s', (url, base) => {
    expect(optionsOf('--url', url).shape.url).toBe(base);
  });

  it('read tokens of many users, and messages, one a line', () => {
    const folder = mkdtempSync(join(tmpdir(), 'load-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'lines');
    writeFileSync(file, 'first\n\n second \r\n');
    expect(optionsOf('--tokens', file).tokens).toEqual(['first', 'second']);
    expect(optionsOf('--messages', file, '--message', 'before').shape.messages).toEqual([
      'before',
      'first',
      'second',
    ]);
    writeFileSync(file, '\n');
    expect(() => optionsOf('--tokens', file)).toThrow('there is no line');
  });
});

it('percentiles are those of what was recorded, to three figures', () => {
  const histogram = new Histogram();
  expect(histogram.summary()).toEqual({ count: 0, p50: null, p95: null, p99: null, max: null });
  for (let ms = 1; ms <= 1000; ms += 1) histogram.record(ms);
  const { p50, p95, p99, max } = histogram.summary();
  for (const [read, exact] of [
    [p50, 500],
    [p95, 950],
    [p99, 990],
    [max, 1000],
  ] as const)
    expect(Math.abs((read ?? 0) - exact)).toBeLessThanOrEqual(exact / 100);
});

it('a load generator that has no time says that it is the bottleneck', async () => {
  const self = startSelfCheck();
  await new Promise((resolve) => setTimeout(resolve, 30));
  for (let turn = 0; turn < 3; turn += 1) {
    const until = performance.now() + 150;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(self.takeLagMs()).toBeGreaterThan(100);
  expect(self.report()).toMatchObject({ isBottleneck: true });
  self.stop();
});
