import { describe, expect, it } from 'vitest';
import { compareText, deltasOf, questionOf } from '../../bench/soak/answers.ts';
import type { SeenStream } from '../../bench/soak/books.ts';
import { HELD, medianOf, type Sample } from '../../bench/soak/samples.ts';
import { type Evidence, type Line, verdictOf } from '../../bench/soak/verdict.ts';

const sample = (value: number): Sample =>
  Object.fromEntries(['minutes', ...HELD].map((name) => [name, value])) as unknown as Sample;

const seen = (fields: Partial<SeenStream> = {}): SeenStream => ({
  id: 'soak-1',
  transport: 'websocket',
  epoch: 'epoch-of-1',
  end: 'done',
  code: undefined,
  text: 'whole',
  ...fields,
});

const ROW = { epoch: 'epoch-of-1', stream_id: 'soak-1', status: 'done' };

function evidence(fields: Partial<Evidence> = {}, streams: readonly SeenStream[] = [seen()]): Evidence {
  return {
    books: { streams: [...streams], broken: [], admitted: [] },
    rows: [ROW],
    unsettled: 0,
    baseline: sample(100),
    end: sample(100),
    isWarm: true,
    exits: [0, 0],
    lived: true,
    failures: [],
    ...fields,
  };
}

const failing = (lines: readonly Line[]): string[] =>
  lines.filter(({ holds }) => holds === false).map(({ what }) => what.split(':')[0] ?? '');

it('holds where all of it does', () => {
  expect(failing(verdictOf(evidence()))).toEqual([]);
});

describe('does not hold', () => {
  const broken = (...frames: string[]) => ({ books: { streams: [seen()], broken: frames, admitted: [] } });
  it.each<readonly [what: string, Partial<Evidence>, readonly SeenStream[] | undefined, line: string]>([
    ['where a stream never ended', {}, [seen(), seen({ id: 'soak-2', end: 'none' })], 'I1'],
    [
      'where one ended twice',
      broken('the relay broke the protocol: an ending too many: {}'),
      undefined,
      'I1',
    ],
    [
      'where a number is missing',
      broken('the relay broke the protocol: a gap or a repetition behind 4'),
      undefined,
      'I2',
    ],
    ['where an ending has no row', { rows: [] }, undefined, 'I3'],
    ['where its row has another end', { rows: [{ ...ROW, status: 'error' }] }, undefined, 'I3'],
    [
      'where a JSON answer has none',
      { rows: [ROW] },
      [seen({ id: 'soak-2', epoch: undefined, transport: 'json' })],
      'I3',
    ],
    ['where an epoch has two', { rows: [ROW, ROW] }, undefined, 'I3'],
    ['where a run is not settled', { unsettled: 1 }, undefined, 'I3'],
    ['where the model is asked for nobody', { end: { ...sample(100), upstream: 101 } }, undefined, 'I5'],
    ['where a machine ended by itself', { lived: false }, undefined, 'I8'],
    ['where a deploy ended badly', { exits: [0, 1] }, undefined, 'I8'],
    ['where the relay failed', { failures: ['a: settle'] }, undefined, 'I8'],
    ['where a text lacks its end', {}, [seen({ text: 'begun' })], 'I9'],
    [
      'where a cancelled one is another',
      { rows: [{ ...ROW, status: 'cancelled' }] },
      [seen({ end: 'cancelled', text: 'wrong' })],
      'I9',
    ],
    ['where a lost one is another', {}, [seen({ end: 'lost', code: 'resume_gap', text: 'wrong' })], 'I9'],
    ['where memory grew by an eighth', { end: { ...sample(100), resident: 112.5 } }, undefined, 'I7'],
    ['where handles grew by an eighth', { end: { ...sample(100), handles: 113 } }, undefined, 'I7'],
  ])('%s', (_what, fields, streams, line) => {
    expect(failing(verdictOf(evidence(fields, streams)))).toEqual([line]);
  });

  it('where somebody came in without a token', () => {
    const books = { streams: [seen()], broken: [], admitted: ['200 {}'] };
    expect(failing(verdictOf(evidence({ books })))).toEqual(['nobody without a good token']);
  });
});

it('a few of a kind more, a larger ledger on disk, and a cancelled text that breaks off are no fault', () => {
  const few = { baseline: sample(4), end: { ...sample(4), timers: 6, sockets: 6, ledger: 400 } };
  expect(failing(verdictOf(evidence(few)))).toEqual([]);
  const rows = [{ ...ROW, status: 'cancelled' }];
  expect(failing(verdictOf(evidence({ rows }, [seen({ end: 'cancelled', text: 'begun' })])))).toEqual([]);
});

it('says nothing of memory after too short a warm-up', () => {
  const lines = verdictOf(evidence({ isWarm: false, end: { ...sample(100), resident: 1000 } }));
  expect(lines.filter(({ holds }) => holds === null).map(({ what }) => what)).toEqual([
    'I7: resident',
    'I7: heap',
    'I7: external',
  ]);
});

it('takes the middle of samples, each quantity by itself', () => {
  const middle = medianOf([sample(1), { ...sample(3), heap: 0 }, { ...sample(2), heap: 9 }]);
  expect([middle.resident, middle.heap]).toEqual([2, 1]);
});

describe('the text of an answer', () => {
  it('is another for each question, and known', () => {
    const [one, other] = [questionOf(1), questionOf(2)];
    const text = deltasOf(one).join('');
    expect(compareText(one, text)).toBe('whole');
    expect(compareText(one, text.slice(0, 100))).toBe('begun');
    expect(compareText(one, text.slice(1))).toBe('wrong');
    expect(compareText(other, text)).toBe('wrong');
  });
});
