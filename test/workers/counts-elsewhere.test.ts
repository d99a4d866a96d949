/** Limits that two workers count together, with the messages between them. */
import { beforeEach, expect, it } from 'vitest';
import { BodyBudget, REQUEST_BODIES } from '../../src/http/admission/body-budget.ts';
import { KeyedCounter, Rate } from '../../src/http/admission/keyed-counts.ts';
import { CountsElsewhere } from '../../src/workers/counts-elsewhere.ts';
import { ManualClock } from '../support/manual-clock.ts';

let clock: ManualClock;
let one: CountsElsewhere;
let two: CountsElsewhere;
let told: number;

beforeEach(() => {
  clock = new ManualClock();
  told = 0;
  one = new CountsElsewhere(clock, (counts) => {
    told += 1;
    two.hear(1, structuredClone(counts));
  });
  two = new CountsElsewhere(clock, (counts) => one.hear(2, structuredClone(counts)));
});

it('what is held is held of both, and given back once its worker ends', () => {
  const here = new KeyedCounter(3, one.held('connections'));
  const there = new KeyedCounter(3, two.held('connections'));
  expect([here.add('user'), here.add('user'), there.add('user')]).toEqual([true, true, true]);
  clock.advance(10);
  expect([here.add('user'), there.add('user')]).toEqual([false, false]);
  expect(here.add('other')).toBe(true);
  here.remove('user');
  clock.advance(10);
  expect(there.add('user')).toBe(true);
  two.hear(1, null);
  expect(there.add('user')).toBe(true);
  expect(there.add('user')).toBe(false);
});

it('what is taken is taken from the limits of both, until the window is over', () => {
  const here = new Rate(4, 1000, clock, one.taken('requests'));
  const there = new Rate(4, 1000, clock, two.taken('requests'));
  expect([here.take('user'), here.take('user'), there.take('user')]).toEqual([0, 0, 0]);
  clock.advance(10);
  expect(there.take('user')).toBe(0);
  expect(there.take('user')).toBeGreaterThan(0);
  clock.advance(10);
  expect(here.take('user')).toBeGreaterThan(0);
  clock.advance(1000);
  expect(here.take('user')).toBe(0);
});

it('many changes are one message, and no change is none', () => {
  const here = new KeyedCounter(1000, one.held('connections'));
  for (let index = 0; index < 500; index += 1) here.add(`user-${index % 7}`);
  clock.advance(1000);
  expect(told).toBe(1);
});

it('what changes after a while is told at once; what changes soon after, ten milliseconds later', () => {
  const here = new KeyedCounter(10, one.held('connections'));
  const elsewhere = two.held('connections');
  clock.advance(1000);
  here.add('user');
  clock.advance(0);
  expect(elsewhere.of('user')).toBe(1);
  clock.advance(1);
  here.add('user');
  here.add('user');
  clock.advance(8);
  expect(elsewhere.of('user')).toBe(1);
  clock.advance(1);
  expect(elsewhere.of('user')).toBe(3);
  expect(clock.pending).toBe(0);
});

it('what others took first of all counts in the window in which it was heard', () => {
  clock.advance(5500);
  const here = new Rate(3, 1000, clock, one.taken('requests'));
  const there = new Rate(3, 1000, clock, two.taken('requests'));
  for (let times = 0; times < 3; times += 1) expect(there.take('user')).toBe(0);
  clock.advance(10);
  expect(here.take('user')).toBeGreaterThan(0);
  clock.advance(500);
  expect(here.take('user')).toBe(0);
});

it('bytes of bodies are of both together', () => {
  const here = new BodyBudget(100, REQUEST_BODIES, one.held('bodies'));
  const there = new BodyBudget(100, REQUEST_BODIES, two.held('bodies'));
  const release = here.reserve(800, '::1', 'user', false);
  clock.advance(10);
  expect(() => there.reserve(1, '::1', 'user', false)).toThrow('too many request bodies');
  expect(there.reserved).toBe(0);
  release();
  clock.advance(10);
  there.reserve(800, '::1', 'user', false);
  expect([here.reserved, there.reserved]).toEqual([0, 800]);
});

it('names that objects have of their own are keys like any other', () => {
  const here = new KeyedCounter(1, one.held('connections'));
  const there = new KeyedCounter(1, two.held('connections'));
  for (const key of ['__proto__', 'constructor', 'toString']) {
    expect(here.add(key)).toBe(true);
    clock.advance(10);
    expect(there.add(key)).toBe(false);
  }
});
