import { describe, expect, it } from 'vitest';
import {
  initialState,
  type Phase,
  phaseOf,
  type StreamEvent,
  type StreamState,
  step,
} from '../../src/client/stream-state.ts';
import type { ErrorCode } from '../../src/protocol/codes.ts';
import type { ErrorFrame } from '../../src/protocol/frames.ts';

const id = 'a';
const usage = {
  inputTokens: 1,
  outputTokens: 2,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  source: 'final',
} as const;
const timing = { firstTokenMs: 1, totalMs: 2, chunks: 3, bytes: 4 };
const error = (code: ErrorCode, of?: ErrorFrame['of']): StreamEvent => ({
  type: 'error',
  id,
  code,
  message: code,
  retryable: false,
  ...(of === undefined ? {} : { of }),
});

/** The rows: each phase, reached by these events. `streaming` holds seq 3. */
const ways: Record<string, readonly StreamEvent[]> = {
  connecting: [],
  asked: [{ type: 'ask' }],
  thinking: [{ type: 'ask' }, { type: 'accepted', id, epoch: 'epoch-01', model: 'm' }],
};
ways['streaming'] = [...(ways['thinking'] ?? []), { type: 'chunk', id, seq: 3, count: 3, content: 'abc' }];
ways['reconnecting'] = [...ways['streaming'], { type: 'lost' }];
ways['stopping'] = [...ways['streaming'], { type: 'stop' }];
ways['done'] = [...ways['streaming'], done(3)];
ways['cancelled'] = [...ways['stopping'], { type: 'cancelled', id, seq: 3, textLength: 3, usage, timing }];
ways['failed'] = [...ways['streaming'], error('upstream_reset')];
ways['detached'] = [...ways['streaming'], { type: 'detach' }];

/** The columns. */
const events: Record<string, StreamEvent> = {
  ask: { type: 'ask' },
  lost: { type: 'lost' },
  accepted: { type: 'accepted', id, epoch: 'epoch-01', model: 'm' },
  'other run': { type: 'resumed', id, epoch: 'epoch-02', after: 0, head: 0, model: 'm', state: 'live' },
  'next chunk': { type: 'chunk', id, seq: 4, content: 'd' },
  'old chunk': { type: 'chunk', id, seq: 3, count: 3, content: 'abc' },
  'chunk too far': { type: 'chunk', id, seq: 9, content: 'x' },
  done: done(3),
  'done too far': done(5),
  error: error('upstream_reset'),
  'start refused': error('rate_limited', 'start'),
  'moving away': error('shutting_down', 'start'),
  'run is gone': error('unknown_stream', 'resume'),
  'position is gone': error('resume_gap', 'resume'),
  'ack refused': error('bad_request', 'ack'),
  stop: { type: 'stop' },
  detach: { type: 'detach' },
};

function done(seq: number): StreamEvent {
  return { type: 'done', id, seq, stopReason: 'end_turn', model: 'm', textLength: seq, usage, timing };
}

function stateAfter(way: readonly StreamEvent[]): StreamState {
  return way.reduce((state, event) => step(state, event)[0], initialState());
}

/** The table: phase after the event, and what is to be done. `.` is "unchanged, nothing". */
const TABLE = `
event            | connecting       | asked            | thinking         | streaming           | reconnecting        | stopping
ask              | connecting       | connecting       | connecting       | connecting          | reconnecting        | .
lost             | connecting       | reconnecting     | reconnecting     | reconnecting        | reconnecting        | .
accepted         | thinking         | thinking         | .                | .                   | streaming           | .
other run        | thinking         | thinking         | .                | failed settled      | failed settled      | failed settled
next chunk       | .                | .                | reconnecting ask | streaming text      | .                   | stopping text
old chunk        | .                | .                | streaming text   | .                   | .                   | .
chunk too far    | .                | .                | reconnecting ask | reconnecting ask    | .                   | stopping ask
done             | .                | .                | reconnecting ask | done settled        | .                   | done settled
done too far     | .                | .                | reconnecting ask | reconnecting ask    | .                   | stopping ask
error            | .                | .                | failed settled   | failed settled      | .                   | failed settled
start refused    | failed settled   | failed settled   | failed settled   | failed settled      | failed settled      | cancelled settled
moving away      | connecting       | connecting       | connecting       | connecting          | reconnecting        | cancelled settled
run is gone      | reconnecting ask | reconnecting ask | reconnecting ask | failed settled      | failed settled      | failed settled
position is gone | reconnecting ask | reconnecting ask | reconnecting ask | failed settled      | failed settled      | failed settled
ack refused      | .                | .                | .                | .                   | .                   | .
stop             | cancelled settled | stopping        | stopping         | stopping            | stopping            | .
detach           | detached settled | detached settled | detached settled | detached settled    | detached settled    | detached settled
`;

const [header = [], ...rows] = TABLE.trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()));
const cells = rows.flatMap(([event = '', ...outcomes]) =>
  outcomes.map((outcome, at) => [header[at + 1] ?? '', event, outcome] as const),
);

describe('the truth table of a stream', () => {
  it('has a row for each event', () => {
    expect(rows.map(([event]) => event)).toEqual(Object.keys(events));
  });

  it.each(cells)('%s, %s: %s', (from, event, expected) => {
    const before = stateAfter(ways[from] ?? []);
    const [after, effect] = step(before, events[event] as StreamEvent);
    const outcome = [phaseOf(after), effect?.type ?? ''].join(' ').trim();
    expect(outcome).toBe(expected === '.' ? phaseOf(before) : expected);
  });

  it.each(['done', 'cancelled', 'failed', 'detached'] as const)('changes nothing after %s', (phase) => {
    const ended = stateAfter(ways[phase] ?? []);
    expect(phaseOf(ended)).toBe(phase satisfies Phase);
    for (const event of Object.values(events)) expect(step(ended, event)).toEqual([ended]);
  });

  it('is idle where there is no stream', () => {
    expect(phaseOf()).toBe('idle');
  });
});

describe('thinking', () => {
  const thinks: StreamEvent = { type: 'thinking', id };
  const thinksAfter = (way: string, ...more: readonly StreamEvent[]) =>
    stateAfter([...(ways[way] ?? []), ...more]).thinking;

  it.each([
    ['thinking', true],
    ['streaming', true],
    ['stopping', true],
    ['connecting', false],
    ['asked', false],
    ['reconnecting', false],
  ])('is heard while the stream is %s: %s', (way, isHeard) => {
    expect(thinksAfter(way, thinks)).toBe(isHeard);
  });

  it.each(['next chunk', 'accepted'])('is over with: %s', (event) => {
    expect(thinksAfter('streaming', thinks, events[event] as StreamEvent)).toBe(false);
  });

  it('moves nothing else', () => {
    const before = stateAfter(ways['streaming'] ?? []);
    expect(step(before, thinks)).toEqual([{ ...before, thinking: true }]);
  });
});

it('a frame of a later relay changes nothing', () => {
  const before = stateAfter(ways['streaming'] ?? []);
  expect(step(before, { type: 'weather', id } as unknown as StreamEvent)).toEqual([before]);
});

describe('a run that is gone', () => {
  it('is started again only while nothing was shown', () => {
    const [state, effect] = step(stateAfter(ways['thinking'] ?? []), error('unknown_stream', 'resume'));
    expect(effect).toEqual({ type: 'ask' });
    expect(state.epoch).toBeUndefined(); // so the question is a start
  });

  it('is interrupted once text was shown, and keeps its place', () => {
    const [state, effect] = step(stateAfter(ways['reconnecting'] ?? []), error('unknown_stream', 'resume'));
    expect(effect).toMatchObject({ failure: { code: 'interrupted', retryable: true } });
    expect(state.seq).toBe(3);
  });

  it('is not started again for a stream that was attached by its id', () => {
    const attached = initialState({ epoch: 'epoch-01', seq: 0, length: 0 });
    const [, effect] = step(step(attached, { type: 'ask' })[0], error('unknown_stream', 'resume'));
    expect(effect).toMatchObject({ type: 'settled', failure: { code: 'unknown_stream' } });
  });

  it('is not started again when the user has stopped it', () => {
    const stopped = stateAfter([...(ways['thinking'] ?? []), { type: 'stop' }, { type: 'lost' }]);
    expect(step(stopped, error('unknown_stream', 'resume'))[1]).toMatchObject({ type: 'settled' });
  });
});

it('gives up on a relay that contradicts itself', () => {
  let state = stateAfter(ways['streaming'] ?? []);
  const effects = Array.from({ length: 5 }, () => {
    state = step(state, { type: 'accepted', id, epoch: 'epoch-01', model: 'm' })[0];
    const [next, effect] = step(state, done(9));
    state = next;
    return effect?.type;
  });
  expect(effects).toEqual(['ask', 'ask', 'ask', 'settled', undefined]);
});

it('delivers of a whole text only what is not held', () => {
  const [state, effect] = step(stateAfter(ways['reconnecting'] ?? []), {
    type: 'whole',
    content: 'abcdef',
    seq: 6,
  });
  expect(effect).toEqual({ type: 'text', text: 'def' });
  expect(step(state, done(6))[1]).toMatchObject({ type: 'settled', frame: { type: 'done' } });
});
