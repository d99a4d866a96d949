import { describe, expect, it } from 'vitest';
import { Pacer } from '../../src/simulator/pacer.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { question, sdk, until } from './ask.ts';

describe('the pacer', () => {
  it('calls each stream at its own times, with one timer, and none when all are over', () => {
    const clock = new ManualClock();
    const pacer = new Pacer(clock);
    const counts = [0, 0, 0];
    for (const [i, everyMs] of [10, 40, 3_000].entries()) {
      const paced = {
        dueAt: everyMs,
        step() {
          counts[i] = (counts[i] ?? 0) + 1;
          paced.dueAt += everyMs;
          return clock.elapsed() < 9_000;
        },
      };
      pacer.add(paced);
    }
    expect(clock.pending).toBe(1);
    clock.advance(8_010);
    expect(counts).toEqual([801, 200, 2]);
    clock.advance(2_000);
    expect(clock.pending).toBe(0);
    expect(counts[2]).toBe(3);
  });

  it('loses no stream over a long pause, and makes up for the time', () => {
    const clock = new ManualClock();
    let paused = 0;
    const late = {
      ...clock,
      now: () => 0,
      after: clock.after.bind(clock),
      every: clock.every.bind(clock),
      elapsed: () => clock.elapsed() + paused,
    };
    const pacer = new Pacer(late);
    let count = 0;
    const paced = {
      dueAt: 5,
      step() {
        count += 1;
        paced.dueAt += 10;
        return true;
      },
    };
    pacer.add(paced);
    clock.advance(100);
    const before = count;
    paused = 10_000;
    clock.advance(10_000);
    expect(count).toBeGreaterThan(before + 1_000);
    pacer.close();
    expect(clock.pending).toBe(0);
  });
});

describe('a paced stream', () => {
  it('begins and goes on within the ranges it was given', async () => {
    const clock = new ManualClock();
    const simulator = await startSimulator({
      clock,
      pace: { firstTokenMs: [400, 900], deltasPerSecond: [20, 40] },
    });
    const streams = Array.from({ length: 20 }, () =>
      sdk(simulator).messages.create({ ...question('Explain gravity', 'sim:long'), stream: true }),
    );
    await until(
      () => simulator.requests.length === 20 && simulator.requests.every((record) => record.status === 200),
    );
    const generated = () => simulator.requests.map((record) => record.tokensGenerated);
    clock.advance(399);
    expect(Math.max(...generated())).toBe(0);
    clock.advance(503);
    expect(Math.min(...generated())).toBeGreaterThan(0);
    const before = generated().reduce((sum, tokens) => sum + tokens);
    clock.advance(10_000);
    // 3.5 tokens a delta on average, 27.7 deltas a second (the mean of the gaps' range).
    const perSecond = (generated().reduce((sum, tokens) => sum + tokens) - before) / 20 / 10;
    expect(perSecond).toBeGreaterThan(20 * 3);
    expect(perSecond).toBeLessThan(40 * 4);
    for (const stream of await Promise.all(streams)) stream.controller.abort();
    await until(() => simulator.stats.open === 0);
    clock.advance(2_000);
    expect(clock.pending).toBe(0);
    await simulator.close();
  });

  it('answers without a stream when its last delta would have come', async () => {
    const clock = new ManualClock();
    const simulator = await startSimulator({ clock, pace: { firstTokenMs: 500, deltasPerSecond: 10 } });
    simulator.script({ deltas: ['One', ' two', ' three'] });
    const answer = sdk(simulator).messages.create(question('hi'));
    await until(() => simulator.requests[0]?.status === 200);
    clock.advance(790);
    expect(simulator.requests[0]?.tokensGenerated).toBe(0);
    clock.advance(20);
    expect((await answer).content).toEqual([{ type: 'text', text: 'One two three' }]);
    await simulator.close();
  });
});
