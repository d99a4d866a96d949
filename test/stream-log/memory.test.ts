import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toWire, type WireText } from '../../src/protocol/wire-text.ts';
import { MemoryStreamLogs, PagePool } from '../../src/stream-log/memory.ts';
import type { DeltaSink, LogCursor, StreamLog } from '../../src/stream-log/port.ts';

const ROOMY = { maxBytes: 1 << 20, totalBytes: 1 << 26 };

type Delta = { kind: 'text' | 'event'; json: WireText };

/** Reads all there is, flattened back into one entry a delta; a gap ends it. */
function readAll(
  cursor: LogCursor,
  maxBytes = 1 << 16,
): { seq: number; count: number; kind: string; json: string }[] {
  const entries = [];
  for (let entry = cursor.next(maxBytes); typeof entry === 'object'; entry = cursor.next(maxBytes))
    entries.push(entry);
  return entries;
}

function fill(log: StreamLog, deltas: readonly Delta[]): void {
  for (const { kind, json } of deltas) log.append(kind, json);
}

function intoList(list: Delta[]): DeltaSink {
  return {
    take: (kind, bytes, from, end) => {
      list.push({ kind, json: bytes.toString('latin1', from, end) as WireText });
    },
  };
}

function lengthOf(deltas: readonly Delta[]): number {
  return deltas.reduce((sum, { json }) => sum + json.length, 0);
}

const delta: fc.Arbitrary<Delta> = fc.record({
  kind: fc.constantFrom('text' as const, 'text' as const, 'event' as const),
  json: fc
    .oneof(fc.string({ minLength: 1, maxLength: 30 }), fc.string({ minLength: 1, maxLength: 6000 }))
    .map(toWire),
});

describe('the memory stream log', () => {
  it('numbers from 1 and reads back the same bytes from any seq, whatever the merging', () => {
    fc.assert(
      fc.property(
        fc.array(delta, { maxLength: 60 }),
        fc.nat(),
        fc.integer({ min: 1, max: 9000 }),
        (deltas, at, maxBytes) => {
          const log = new MemoryStreamLogs(ROOMY).create();
          fill(log, deltas);
          const after = deltas.length === 0 ? 0 : at % (deltas.length + 1);
          const cursor = log.cursor(after);
          if (cursor === undefined) throw new Error('a position that is held must be readable');
          let seq = after;
          let text = '';
          for (const entry of readAll(cursor, maxBytes)) {
            expect(entry.seq - entry.count).toBe(seq);
            if (entry.kind === 'event') expect(entry.count).toBe(1);
            seq = entry.seq;
            text += entry.json;
          }
          expect(seq).toBe(log.head);
          expect(text).toBe(
            deltas
              .slice(after)
              .map((each) => each.json)
              .join(''),
          );
        },
      ),
    );
  });

  it('never merges text beyond the bytes asked for, nor across an event', () => {
    const log = new MemoryStreamLogs(ROOMY).create();
    fill(log, [
      { kind: 'text', json: toWire('aa') },
      { kind: 'text', json: toWire('bb') },
      { kind: 'event', json: toWire('{}') },
      { kind: 'text', json: toWire('cc') },
    ]);
    expect(readAll(log.cursor(0) as LogCursor, 3).map((entry) => entry.json)).toEqual([
      'aa',
      'bb',
      '{}',
      'cc',
    ]);
    expect(readAll(log.cursor(0) as LogCursor, 4).map((entry) => [entry.json, entry.count])).toEqual([
      ['aabb', 2],
      ['{}', 1],
      ['cc', 1],
    ]);
  });

  it('lets a cursor that waits at the head go on when more is appended', () => {
    const log = new MemoryStreamLogs(ROOMY).create();
    const cursor = log.cursor(0) as LogCursor;
    expect(cursor.next(100)).toBeUndefined();
    for (let seq = 1; seq <= 3000; seq += 1) {
      log.append('text', toWire(`word ${seq} `));
      expect(cursor.next(100)).toMatchObject({ seq, count: 1, json: `word ${seq} ` });
    }
  });

  it('refuses a position past the head or trimmed away', () => {
    const log = new MemoryStreamLogs({ maxBytes: 8192, totalBytes: 1 << 20 }).create();
    expect(log.cursor(1)).toBeUndefined();
    for (let seq = 1; seq <= 2000; seq += 1) log.append('text', toWire('0123456789'));
    expect(log.heldBytes).toBeLessThanOrEqual(8192);
    expect(log.first).toBeGreaterThan(1);
    expect(log.cursor(log.first - 2)).toBeUndefined();
    expect(log.cursor(0)).toBeUndefined();
    expect(readAll(log.cursor(log.first - 1) as LogCursor).at(-1)?.seq).toBe(2000);
  });

  it('tells a cursor that was overtaken by trimming of the gap instead of skipping', () => {
    const log = new MemoryStreamLogs({ maxBytes: 8192, totalBytes: 1 << 20 }).create();
    log.append('text', toWire('first'));
    const cursor = log.cursor(0) as LogCursor;
    for (let seq = 2; seq <= 2000; seq += 1) log.append('text', toWire('0123456789'));
    expect(cursor.next(100)).toBe('gap');
  });

  it('pours the same deltas as bytes, from any seq, a part at a time', () => {
    fc.assert(
      fc.property(
        fc.array(delta, { maxLength: 60 }),
        fc.nat(),
        fc.integer({ min: 1, max: 9000 }),
        (deltas, at, maxBytes) => {
          const log = new MemoryStreamLogs(ROOMY).create();
          fill(log, deltas);
          const after = at % (deltas.length + 1);
          const cursor = log.cursor(after);
          const poured: Delta[] = [];
          while (cursor !== undefined && cursor.seq < log.head) {
            const before = poured.length;
            expect(cursor.pour(intoList(poured), maxBytes)).toBe(true);
            const taken = poured.slice(before);
            expect(cursor.seq).toBe(after + poured.length);
            expect(lengthOf(taken.slice(0, -1))).toBeLessThan(maxBytes);
          }
          expect(poured).toEqual(deltas.slice(after));
        },
      ),
    );
  });

  it('pours nothing at the head, and says where what follows is trimmed away', () => {
    const log = new MemoryStreamLogs({ maxBytes: 8192, totalBytes: 1 << 20 }).create();
    const cursor = log.cursor(0);
    const poured: Delta[] = [];
    expect(cursor?.pour(intoList(poured), 1 << 20)).toBe(true);
    expect(poured).toEqual([]);
    fill(
      log,
      Array.from({ length: 20 }, () => ({ kind: 'text', json: toWire('x'.repeat(1000)) })),
    );
    expect(cursor?.pour(intoList(poured), 1 << 20)).toBe(false);
  });

  it('bounds all logs together, at the cost of the oldest one', () => {
    const logs = new MemoryStreamLogs({ maxBytes: 1 << 20, totalBytes: 65_536 });
    const oldest = logs.create();
    const newest = logs.create();
    for (let seq = 1; seq <= 5000; seq += 1) oldest.append('text', toWire('0123456789'));
    for (let seq = 1; seq <= 5000; seq += 1) newest.append('text', toWire('0123456789'));
    expect(logs.heldBytes).toBeLessThanOrEqual(65_536 + 8192);
    expect(oldest.first).toBeGreaterThan(newest.first);
    expect(newest.cursor(newest.head)).toBeDefined();
  });

  it('gives all memory back when released', () => {
    const logs = new MemoryStreamLogs(ROOMY);
    const log = logs.create();
    for (let seq = 1; seq <= 1000; seq += 1) log.append('text', toWire('x'.repeat(seq % 7000)));
    expect(logs.heldBytes).toBeGreaterThan(0);
    log.release();
    log.release();
    expect(logs.heldBytes).toBe(0);
  });

  it('reads on as before when sealed, takes what comes nonetheless, and holds no page it does not need', () => {
    fc.assert(
      fc.property(
        fc.array(delta, { maxLength: 20 }),
        fc.array(delta, { maxLength: 5 }),
        fc.nat(),
        (said, late, at) => {
          const logs = new MemoryStreamLogs(ROOMY);
          const [sealed, plain] = [logs.create(), logs.create()];
          for (const log of [sealed, plain]) fill(log, said);
          const seq = at % (said.length + 1);
          const before = sealed.cursor(seq);
          sealed.seal();
          sealed.seal();
          for (const log of [sealed, plain]) fill(log, late);
          const expected = readAll(plain.cursor(seq) as LogCursor);
          expect(readAll(before as LogCursor)).toEqual(expected);
          expect(readAll(sealed.cursor(seq) as LogCursor)).toEqual(expected);
          expect(logs.heldBytes).toBe(sealed.heldBytes + plain.heldBytes);
          sealed.release();
          plain.release();
          expect(logs.heldBytes).toBe(0);
        },
      ),
    );
    const logs = new MemoryStreamLogs(ROOMY);
    const log = logs.create();
    fill(log, [{ kind: 'text', json: toWire('four') }]);
    log.seal();
    expect(log.heldBytes).toBeLessThan(16);
  });

  it('holds 1,000 small deltas in little more than their text', () => {
    const log = new MemoryStreamLogs(ROOMY).create();
    for (let seq = 1; seq <= 1000; seq += 1) log.append('text', toWire('twenty characters ok'));
    expect(log.heldBytes).toBeLessThan(20_000 * 1.3);
  });
});

describe('memory kept for logs to come', () => {
  it('is let go where no page of it is in use, and stays where one is', () => {
    const pool = new PagePool();
    const pages = Array.from({ length: 65 }, () => pool.take());
    const [first, second] = [pages[0]?.buffer, pages[64]?.buffer];
    expect(second).not.toBe(first);
    for (const page of pages.slice(0, 64)) pool.give(page);
    pool.releaseSpare();
    const more = Array.from({ length: 64 }, () => pool.take());
    expect(more.slice(0, 63).every(({ buffer }) => buffer === second)).toBe(true);
    expect(more[63]?.buffer).not.toBe(first);
    expect(new Set(more.map(({ byteOffset, buffer }) => `${byteOffset} ${buffer === second}`)).size).toBe(64);
  });

  it('is asked for again as if nothing had been', () => {
    const logs = new MemoryStreamLogs(ROOMY);
    const log = logs.create();
    fill(log, Array(100).fill({ kind: 'text', json: toWire('x'.repeat(1000)) }));
    log.release();
    logs.releaseSpare();
    expect(logs.heldBytes).toBe(0);
    const next = logs.create();
    fill(next, [{ kind: 'text', json: toWire('again') }]);
    expect(readAll(next.cursor(0) as LogCursor)).toMatchObject([{ json: 'again' }]);
  });
});
