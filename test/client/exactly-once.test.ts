/** Whatever the network does to frames, a client that acts as the machine says holds the text once, and ends once. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StreamFrame, StreamState } from '../../src/client/stream-state.ts';
import { initialState, step } from '../../src/client/stream-state.ts';

const id = 'a';
const epoch = 'epoch-01';
const usage = {
  inputTokens: 1,
  outputTokens: 2,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  source: 'final',
} as const;

/** The relay's log of one run, and the frames of one reader of it, merged as the relay may merge them. */
class Run {
  readonly text: string;
  readonly #deltas: readonly string[];

  constructor(deltas: readonly string[]) {
    this.#deltas = deltas;
    this.text = deltas.join('');
  }

  framesAfter(after: number, sizes: readonly number[]): StreamFrame[] {
    const frames: StreamFrame[] = [];
    for (let at = after, turn = 0; at < this.#deltas.length; turn++) {
      const count = Math.min(sizes[turn % sizes.length] ?? 1, this.#deltas.length - at);
      at += count;
      frames.push({
        type: 'chunk',
        id,
        seq: at,
        count,
        content: this.#deltas.slice(at - count, at).join(''),
      });
    }
    return [...frames, this.#ending()];
  }

  #ending(): StreamFrame {
    const seq = this.#deltas.length;
    const timing = { firstTokenMs: 1, totalMs: 2, chunks: seq, bytes: 1 };
    return {
      type: 'done',
      id,
      seq,
      stopReason: 'end_turn',
      model: 'm',
      textLength: this.text.length,
      usage,
      timing,
    };
  }
}

/** One connection: how the relay merges, how many frames come, and which of them the network repeats or loses. */
const connection = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
  frames: fc.integer({ min: 0, max: 30 }),
  repeated: fc.array(fc.nat(30), { maxLength: 4 }),
  lost: fc.option(fc.nat(30), { nil: undefined }),
  /** What the connection before still brings, behind the new question. */
  late: fc.nat(4),
  startsAgain: fc.boolean(),
});
const deltas = fc.array(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 25 });

it('holds every delta once, in order, and one ending', () => {
  fc.assert(
    fc.property(deltas, fc.array(connection, { maxLength: 12 }), (pieces, connections) => {
      const run = new Run(pieces);
      let state: StreamState = initialState();
      let text = '';
      let endings = 0;
      let leftovers: StreamFrame[] = [];
      const feed = (frame: StreamFrame): boolean => {
        const [next, effect] = step(state, frame);
        state = next;
        if (effect?.type === 'text') text += effect.text;
        if (effect?.type === 'settled') endings += 1;
        expect(run.text.startsWith(text)).toBe(true);
        expect(state.length).toBe(text.length);
        return effect?.type === 'ask';
      };
      const last = { sizes: [1], frames: 100, repeated: [], lost: undefined, late: 0, startsAgain: false };
      for (const { sizes, frames, repeated, lost, late, startsAgain } of [...connections, last, last, last]) {
        state = step(state, { type: 'ask' })[0];
        for (const frame of leftovers.slice(0, late)) feed(frame); // nothing counts before the answer
        const after = startsAgain ? 0 : state.seq;
        feed({ type: 'resumed', id, epoch, after, head: pieces.length, model: 'm', state: 'ended' });
        const sent = run.framesAfter(after, sizes);
        const received = sent
          .slice(0, frames)
          .flatMap((frame, at) => (at === lost ? [] : repeated.includes(at) ? [frame, frame] : [frame]));
        const gapAt = received.findIndex((frame) => feed(frame));
        leftovers = gapAt === -1 ? sent : received.slice(gapAt);
        if (gapAt === -1) state = step(state, { type: 'lost' })[0];
      }
      if (state.outcome === 'failed') return; // gave up on a connection that lost frames again and again
      expect({ text, endings, outcome: state.outcome }).toEqual({
        text: run.text,
        endings: 1,
        outcome: 'done',
      });
    }),
    { numRuns: 500 },
  );
});
