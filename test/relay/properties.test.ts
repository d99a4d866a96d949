import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RelayError } from '../../src/protocol/relay-error.ts';
import { createCore, start } from '../support/core.ts';
import type { FakeSocket } from '../support/fake-socket.ts';
import { settled } from '../support/quiet.ts';

/** What may happen around one stream, in any order. */
type Step =
  | { readonly kind: 'delta'; readonly text: string }
  | { readonly kind: 'cut' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'start' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'end' }
  | { readonly kind: 'fail' }
  | { readonly kind: 'stall' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'wait'; readonly ms: number };

const kinds = (...names: Exclude<Step['kind'], 'delta' | 'wait'>[]) =>
  fc.record({ kind: fc.constantFrom(...names) });
const delta = fc.record({
  kind: fc.constant('delta' as const),
  text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
});
const wait = fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40_000 }) });

const step = fc.oneof(
  { weight: 8, arbitrary: delta },
  { weight: 2, arbitrary: kinds('cut', 'resume', 'start') },
  { weight: 1, arbitrary: kinds('stall', 'drain', 'cancel', 'end', 'fail') },
  { weight: 1, arbitrary: wait },
) as fc.Arbitrary<Step>;

/** A client that keeps what it holds over any number of sockets, as PROTOCOL.md rule 3 says. */
class Client {
  seq = 0;
  text = '';
  epoch: string | undefined;
  readonly endings = new Set<string>();
  socket: FakeSocket | undefined;
  #read = 0;

  attach(socket: FakeSocket): void {
    this.socket = socket;
    this.#read = 0;
  }

  read(): void {
    const frames = this.socket?.frames ?? [];
    for (const frame of frames.slice(this.#read)) {
      if (frame.type === 'accepted' || frame.type === 'resumed') this.epoch = frame.epoch;
      if (frame.type === 'chunk' && frame.seq > this.seq) {
        expect(frame.seq - (frame.count ?? 1)).toBe(this.seq);
        this.seq = frame.seq;
        this.text += frame.content;
      }
      if (
        frame.type === 'done' ||
        frame.type === 'cancelled' ||
        (frame.type === 'error' && frame.of === undefined)
      ) {
        this.endings.add(JSON.stringify(frame));
      }
    }
    this.#read = frames.length;
  }
}

/** Plays the steps on a core, then ends the run if it goes on and lets the client learn its ending. */
async function play(steps: readonly Step[]) {
  const core = createCore();
  const client = new Client();
  const spoken: string[] = [];
  const reconnect = () => {
    client.socket?.drop();
    client.attach(core.connect());
    const { epoch, seq: after } = client;
    client.socket?.send(epoch === undefined ? start('s1') : { type: 'resume', id: 's1', epoch, after });
  };
  const settle = async () => {
    await settled();
    client.read();
  };
  reconnect();
  await settle();
  const call = core.upstream.last;
  const effects: { readonly [K in Step['kind']]: (step: Extract<Step, { kind: K }>) => void } = {
    delta: ({ text }) => {
      if (call.ending !== null) return;
      call.text(text);
      spoken.push(text);
    },
    cut: () => {
      client.socket?.drop();
      client.socket = undefined;
    },
    resume: reconnect,
    start: () => client.socket?.send(start('s1')),
    cancel: () => client.socket?.send({ type: 'cancel', id: 's1' }),
    end: () => call.end(),
    fail: () => call.fail(new RelayError('upstream_reset', 'the model hung up')),
    stall: () => {
      if (client.socket !== undefined) client.socket.stalled = true;
    },
    drain: () => client.socket?.drain(),
    wait: ({ ms }) => core.clock.advance(ms),
  };
  for (const each of steps) {
    (effects[each.kind] as (step: Step) => void)(each);
    await settle();
  }
  call.end();
  await settle();
  if (client.endings.size === 0) reconnect();
  await settle();
  return { ...core, client, text: spoken.join('') };
}

describe('whatever is cut, resumed, stalled, cancelled or ended, in any order', () => {
  it('each delta arrives once, there is one ending, one upstream call and one row', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const waited = steps.reduce((sum, each) => sum + (each.kind === 'wait' ? each.ms : 0), 0);
        fc.pre(waited < 100_000); // past the resume window the run is rightly gone
        const { client, text, upstream, rows } = await play(steps);
        expect(client.text).toBe(text);
        expect(client.endings.size).toBe(1);
        expect(upstream.calls).toHaveLength(1);
        expect(upstream.openRequests).toBe(0);
        expect(rows()).toHaveLength(1);
        expect(rows()[0]?.status).not.toBe('running');
      }),
      { numRuns: 150 },
    );
  });
});
