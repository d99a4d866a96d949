import { describe, expect, it } from 'vitest';
import { changeOf, median, spreadOf } from '../../bench/report/statistics.ts';

describe('the median', () => {
  it('is the middle of an odd number of values, whatever their order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it('is the mean of the two in the middle of an even number', () => {
    expect(median([10, 1, 2, 4])).toBe(3);
  });

  it('is no number without values', () => {
    expect(median([])).toBeNaN();
  });
});

it('spreads from the least to the most', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3 });
});

describe('a change', () => {
  it('is one where every pair says so', () => {
    expect(changeOf([0.9, 0.95, 0.8])).toBe('less');
    expect(changeOf([1.1, 1.05, 1.2])).toBe('more');
  });

  it('is noise where one pair says otherwise', () => {
    expect(changeOf([0.9, 0.95, 1.01])).toBe('within noise');
  });

  it('is noise below two percent', () => {
    expect(changeOf([1.01, 1.015, 1.019])).toBe('within noise');
  });

  it('takes three pairs to be told from chance', () => {
    expect(changeOf([1.5, 1.6])).toBe('too few pairs');
  });
});
