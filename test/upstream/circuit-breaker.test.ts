import { expect, test } from 'vitest';
import { CircuitBreaker } from '../../src/upstream/transport/circuit-breaker.ts';
import { ManualClock } from '../support/manual-clock.ts';

function opened() {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker(clock, 3, 5_000);
  for (let failure = 0; failure < 3; failure += 1) {
    expect(breaker.tryAcquire()).toBe(0);
    breaker.failed();
  }
  return { clock, breaker };
}

test('a success starts the count of failures anew', () => {
  const breaker = new CircuitBreaker(new ManualClock(), 2, 5_000);
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  expect(breaker.tryAcquire()).toBe(0);
});

test('while open it says how long to wait', () => {
  const { clock, breaker } = opened();
  expect(breaker.tryAcquire()).toBe(5_000);
  clock.advance(2_000);
  expect(breaker.tryAcquire()).toBe(3_000);
});

test('half open it lets one probe pass at a time', () => {
  const { clock, breaker } = opened();
  clock.advance(5_000);
  expect(breaker.tryAcquire()).toBe(0);
  expect(breaker.tryAcquire()).toBe(5_000);
  breaker.abandoned();
  expect(breaker.tryAcquire()).toBe(0);
  breaker.failed();
  expect(breaker.tryAcquire()).toBe(5_000);
  clock.advance(5_000);
  expect(breaker.tryAcquire()).toBe(0);
  breaker.succeeded();
  expect(breaker.tryAcquire()).toBe(0);
  expect(breaker.tryAcquire()).toBe(0);
});
