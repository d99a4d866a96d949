import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { ExpositionError, parseExposition } from '../../src/top/exposition.ts';

describe('the text format of Prometheus', () => {
  it('is read as the library writes it, whatever is in a label', async () => {
    const registry = new Registry();
    const registers = [registry];
    const odd = 'C:\\dir "quoted", {braces}=\n2 lines';
    new Counter({
      name: 'things_total',
      help: 'Things\nof a kind',
      labelNames: ['kind', 'of'],
      registers,
    }).inc({ kind: odd, of: '' }, 3);
    new Gauge({ name: 'level', help: 'Level', registers }).set(-1.5e-7);
    new Histogram({ name: 'wait_seconds', help: 'Wait', buckets: [0.5, 1], registers }).observe(0.7);
    const samples = parseExposition(await registry.metrics());
    expect(samples.get('things_total')).toEqual([{ labels: { kind: odd, of: '' }, value: 3 }]);
    expect(samples.get('level')).toEqual([{ labels: {}, value: -1.5e-7 }]);
    expect(samples.get('wait_seconds_bucket')).toEqual([
      { labels: { le: '0.5' }, value: 0 },
      { labels: { le: '1' }, value: 1 },
      { labels: { le: '+Inf' }, value: 1 },
    ]);
    expect(samples.get('wait_seconds_sum')).toEqual([{ labels: {}, value: 0.7 }]);
  });

  it('may have spaces, times, comments, and numbers by name', () => {
    const text = '# a comment\n\nup{ } 1 1395066363000\na{b="c",} \t+Inf\na{b="d" , e="f"} NaN\nless -Inf\n';
    const samples = parseExposition(text.replace('{ }', '{}'));
    expect(samples.get('up')).toEqual([{ labels: {}, value: 1 }]);
    expect(samples.get('a')).toEqual([
      { labels: { b: 'c' }, value: Number.POSITIVE_INFINITY },
      { labels: { b: 'd', e: 'f' }, value: Number.NaN },
    ]);
    expect(samples.get('less')?.[0]?.value).toBe(Number.NEGATIVE_INFINITY);
  });

  it.each([
    '<html>',
    'name',
    'name value',
    'name{a=b} 1',
    'name{a="b} 1',
    'name{a="\\x"} 1',
    '1name 1',
    'name 0x10',
  ])('is not %j: the line is named', (line) => {
    expect(() => parseExposition(`up 1\n${line}\n`)).toThrow(
      new ExpositionError('line 2 is no sample of the Prometheus text format'),
    );
  });
});
