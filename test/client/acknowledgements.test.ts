import { describe, expect, it } from 'vitest';
import { createAcknowledger } from '../../src/client/acknowledger.ts';
import { FrameRates } from '../../src/connection/frame-rates.ts';
import type { AckFrame } from '../../src/protocol/frames.ts';
import { startTestRelay } from '../../src/testing/index.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { LONG } from '../support/test-run.ts';
import { connectTo, QUESTION } from './test-client.ts';

const STREAMS = 16;
const LIMITS = { streams: STREAMS, frameBytes: 262_144, framesPerMinute: 240 };

/** Streams that each get a frame every `everyMs`, behind the relay's own judgement of rates. */
function simulate({ everyMs, forMs, startAtMs }: { everyMs: number; forMs: number; startAtMs: number }) {
  const clock = new ManualClock();
  const budget = new FrameRates(LIMITS, clock);
  clock.advance(startAtMs); // how our half seconds lie in the relay's seconds
  const acked = new Map<string, number>();
  let worst = 0;
  let refused = 0;
  const take = (frame: Parameters<FrameRates['take']>[0]): void => {
    if (!budget.take(frame)) refused += 1;
  };
  const acks = createAcknowledger(clock, (frame: AckFrame) => {
    take(frame);
    acked.set(frame.id, frame.seq);
  });
  // After a reconnect all streams resume at once.
  for (let at = 0; at < STREAMS; at++) take({ type: 'resume', id: `s${at}`, epoch: 'epoch-0001', after: 0 });
  for (let at = 0, seq = 1; at < forMs; at += everyMs, seq++) {
    clock.advance(everyMs);
    for (let stream = 0; stream < STREAMS; stream++) {
      acks.held(`s${stream}`, seq);
      worst = Math.max(worst, (seq - (acked.get(`s${stream}`) ?? 0)) * everyMs);
    }
  }
  return { refused, worst };
}

describe('sixteen streams at the default limits', () => {
  it.each([0, 100, 250, 333, 499, 500, 750, 990])(
    'never pass the rate of light frames, %d ms into a second',
    (startAtMs) => {
      for (const everyMs of [1, 5, 25, 90]) {
        expect(simulate({ everyMs, forMs: 20_000, startAtMs }).refused).toBe(0);
      }
    },
  );

  it('are acknowledged within a second all the same', () => {
    expect(simulate({ everyMs: 5, forMs: 20_000, startAtMs: 0 }).worst).toBeLessThanOrEqual(1_000);
  });

  it('run to their ends on a real relay over one connection', async () => {
    const seconds = LONG ? 600 : 3;
    const relay = await startTestRelay({ pace: { firstTokenMs: 0, deltasPerSecond: 100 } });
    const deltas = Array.from({ length: seconds * 100 }, (_, at) => `${at} `);
    relay.simulator.always({ deltas });
    const { client, sockets } = connectTo(relay);
    const answers = await Promise.all(Array.from({ length: STREAMS }, () => client.stream(QUESTION).final));
    expect(new Set(answers.map(({ content }) => content))).toEqual(new Set([deltas.join('')]));
    expect(sockets).toHaveLength(1); // a 4429 would have made a second one
    client.close();
    await relay.close();
  }, 700_000);
});

it('acknowledges a lone stream twice a second, and nothing without news', () => {
  const clock = new ManualClock();
  const sent: AckFrame[] = [];
  const acks = createAcknowledger(clock, (frame) => sent.push(frame));
  acks.held('a', 1);
  acks.held('a', 2);
  clock.advance(500);
  clock.advance(5_000);
  expect(sent).toEqual([{ type: 'ack', id: 'a', seq: 2 }]);
  expect(clock.pending).toBe(0);
});

it('spreads the acknowledgements of more streams than may be acknowledged at once', () => {
  const clock = new ManualClock();
  const sent = new Set<string>();
  const acks = createAcknowledger(clock, ({ id }) => sent.add(id));
  for (let stream = 0; stream < 40; stream++) acks.held(`s${stream}`, 1);
  const counts = [1, 2, 3].map(() => {
    clock.advance(500);
    return sent.size;
  });
  expect(counts).toEqual([16, 32, 40]);
});
