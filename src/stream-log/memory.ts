/**
 * The stream log in memory. A record is one delta: a varint of (byte length × 2 + 1 for an event), then its bytes.
 * A record lies within one page, so that a page can be dropped whole; one larger than a page gets a page of its own.
 * Reading is by cursor and copies nothing that was not read: a slow reader costs a position, not a queue.
 */
import type { WireText } from '../protocol/wire-text.ts';
import type { DeltaSink, LogCursor, LogEntry, StreamLog, StreamLogs } from './port.ts';

export interface MemoryLogLimits {
  /** Bytes one log may hold (STREAM_LOG_MAX_BYTES). */
  readonly maxBytes: number;
  /** Bytes all logs may hold (STREAM_LOG_TOTAL_BYTES). */
  readonly totalBytes: number;
}

/** Less than this is not worth an allocation of its own. */
const MIN_SPARED_BYTES = 1024;
/** Five bytes of varint reach 2^35: far above any frame. */
const MAX_VARINT_BYTES = 5;

interface Page {
  bytes: Buffer;
  used: number;
  /** Seq of its first record. */
  readonly firstSeq: number;
}

export class MemoryStreamLogs implements StreamLogs {
  readonly #pool = new PagePool();
  readonly #limits: MemoryLogLimits;
  /** In order of creation: where memory is short the oldest log loses its oldest page first. */
  readonly #logs = new Set<MemoryStreamLog>();
  #heldBytes = 0;

  constructor(limits: MemoryLogLimits) {
    this.#limits = limits;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  create(after = 0): StreamLog {
    const log = new MemoryStreamLog(this, after);
    this.#logs.add(log);
    return log;
  }

  /** For a log that needs `minBytes` more: makes room, then hands out a page. */
  allocate(log: MemoryStreamLog, minBytes: number): Buffer {
    const size = Math.max(minBytes, PAGE_BYTES);
    while (log.heldBytes + size > this.#limits.maxBytes && log.trim());
    if (this.#heldBytes + size > this.#limits.totalBytes) this.#reclaim(size);
    this.#heldBytes += size;
    return size === PAGE_BYTES ? this.#pool.take() : Buffer.allocUnsafeSlow(size);
  }

  free(page: Buffer): void {
    this.#heldBytes -= page.length;
    if (page.length === PAGE_BYTES) this.#pool.give(page);
  }

  releaseSpare(): void {
    this.#pool.releaseSpare();
  }

  /** A copy of a page that is as long as what it holds; the page itself is free then. */
  fitted({ bytes, used }: Page): Buffer {
    const fitted = Buffer.allocUnsafeSlow(used);
    bytes.copy(fitted, 0, 0, used);
    this.#heldBytes += used;
    this.free(bytes);
    return fitted;
  }

  forget(log: MemoryStreamLog): void {
    this.#logs.delete(log);
  }

  #reclaim(bytes: number): void {
    for (const log of this.#logs) {
      while (log.trim()) if (this.#heldBytes + bytes <= this.#limits.totalBytes) return;
    }
  }
}

const NO_PAGES: readonly Page[] = [];

class MemoryStreamLog implements StreamLog {
  readonly #logs: MemoryStreamLogs;
  #pages = NO_PAGES;
  /** The one being written: found without a look at the list. */
  #last: Page | undefined;
  /** Pages dropped from the front: a cursor's page number minus this is its index. */
  #dropped = 0;
  #head: number;
  #heldBytes = 0;
  #released = false;

  constructor(logs: MemoryStreamLogs, after: number) {
    this.#logs = logs;
    this.#head = after;
  }

  get head(): number {
    return this.#head;
  }

  get first(): number {
    return this.#pages[0]?.firstSeq ?? this.#head + 1;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  append(kind: 'text' | 'event', json: WireText): number {
    const page = this.#pageFor(json.length + MAX_VARINT_BYTES);
    this.#head += 1;
    const at = writeVarint(page.bytes, page.used, json.length * 2 + (kind === 'event' ? 1 : 0));
    page.used = at + page.bytes.write(json, at, 'latin1');
    return this.#head;
  }

  cursor(after: number): LogCursor | undefined {
    if (after > this.#head || after < this.first - 1) return undefined;
    const cursor = new MemoryLogCursor(this);
    cursor.seek(after);
    return cursor;
  }

  seal(): void {
    const last = this.#last;
    if (last === undefined || last.bytes.length - last.used < MIN_SPARED_BYTES) return;
    this.#heldBytes -= last.bytes.length - last.used;
    last.bytes = this.#logs.fitted(last);
  }

  release(): void {
    for (const page of this.#pages) this.#drop(page);
    this.#dropped += this.#pages.length;
    this.#pages = NO_PAGES;
    this.#released = true;
    this.#last = undefined;
    this.#logs.forget(this);
  }

  /** Drops the oldest page, never the one being written. False if there is none to drop. */
  trim(): boolean {
    if (this.#pages.length < 2) return false;
    const [oldest, ...rest] = this.#pages;
    if (oldest !== undefined) this.#drop(oldest);
    this.#pages = rest;
    this.#dropped += 1;
    return true;
  }

  /** The page of that number since the log began, `'gap'` if it was dropped, `undefined` past the last one. */
  page(number: number): Page | 'gap' | undefined {
    return this.#released || number < this.#dropped ? 'gap' : this.#pages[number - this.#dropped];
  }

  /** Number of the page that holds the record after `seq`, or of the last page. */
  pageNumberAfter(seq: number): number {
    let index = this.#pages.length - 1;
    while (index > 0 && (this.#pages[index]?.firstSeq ?? 0) > seq + 1) index -= 1;
    return this.#dropped + Math.max(index, 0);
  }

  #pageFor(bytes: number): Page {
    const last = this.#last;
    if (last !== undefined && last.used + bytes <= last.bytes.length) return last;
    const page: Page = { bytes: this.#logs.allocate(this, bytes), used: 0, firstSeq: this.#head + 1 };
    this.#heldBytes += page.bytes.length;
    // A list that is pushed to has room for seventeen from the first on; most answers have one page or two.
    this.#pages = [...this.#pages, page];
    this.#last = page;
    return page;
  }

  #drop(page: Page): void {
    this.#heldBytes -= page.bytes.length;
    this.#logs.free(page.bytes);
  }
}

class MemoryLogCursor implements LogCursor {
  readonly #log: MemoryStreamLog;
  #pageNumber = 0;
  #offset = 0;
  #seq = 0;

  constructor(log: MemoryStreamLog) {
    this.#log = log;
  }

  get seq(): number {
    return this.#seq;
  }

  /** Moves to just past `after`, which the log holds or which is one before its first. */
  seek(after: number): void {
    this.#pageNumber = this.#log.pageNumberAfter(after);
    const page = this.#log.page(this.#pageNumber);
    this.#seq = page === undefined || page === 'gap' ? after : page.firstSeq - 1;
    while (this.#seq < after) this.#read(Number.POSITIVE_INFINITY, undefined);
  }

  next(maxBytes: number): LogEntry | 'gap' | undefined {
    const first = this.#read(Number.POSITIVE_INFINITY, undefined);
    if (typeof first !== 'object' || first.kind === 'event') return first;
    if (this.#seq === this.#log.head) return first; // the usual case: one delta since the last look
    let { seq, count, json } = first;
    for (;;) {
      const more = this.#read(maxBytes - json.length, 'text');
      if (typeof more !== 'object') break;
      json = (json + more.json) as WireText;
      seq = more.seq;
      count += 1;
    }
    return { kind: 'text', seq, count, json };
  }

  pour(sink: DeltaSink, maxBytes: number): boolean {
    for (let left = maxBytes; left > 0; ) {
      const page = this.#page();
      if (page === 'gap') return false;
      if (page === undefined) return true;
      const header = readVarint(page.bytes, this.#offset);
      const from = this.#offset + varintLength(header);
      const length = Math.floor(header / 2);
      this.#offset = from + length;
      this.#seq += 1;
      left -= length;
      sink.take(header % 2 === 1 ? 'event' : 'text', page.bytes, from, this.#offset);
    }
    return true;
  }

  /** Reads one record if it is of the kind and no longer than that; otherwise stays where it is. */
  #read(maxBytes: number, kind: 'text' | undefined): LogEntry | 'gap' | undefined {
    const page = this.#page();
    if (page === undefined || page === 'gap') return page;
    const header = readVarint(page.bytes, this.#offset);
    const isEvent = header % 2 === 1;
    const length = Math.floor(header / 2);
    if (length > maxBytes || (kind === 'text' && isEvent)) return undefined;
    const from = this.#offset + varintLength(header);
    this.#offset = from + length;
    this.#seq += 1;
    const json = page.bytes.toString('latin1', from, this.#offset) as WireText;
    return { kind: isEvent ? 'event' : 'text', seq: this.#seq, count: 1, json };
  }

  /** The page that holds the next record: `undefined` at the head. */
  #page(): Page | 'gap' | undefined {
    const page = this.#log.page(this.#pageNumber);
    if (page === undefined || page === 'gap' || this.#offset < page.used) return page;
    const following = this.#log.page(this.#pageNumber + 1);
    if (following === undefined) return undefined;
    this.#pageNumber += 1;
    this.#offset = 0;
    return following;
  }
}

function readVarint(bytes: Buffer, offset: number): number {
  let value = 0;
  let at = offset;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at] ?? 0;
    at += 1;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

function writeVarint(bytes: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 128) {
    bytes[at] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
    at += 1;
  }
  bytes[at] = rest;
  return at + 1;
}

/**
 * Fixed pages of memory outside the V8 heap, cut from slabs and used again. Owns no limit: the logs know theirs.
 * Slabs are kept once allocated, so resident memory follows the peak, which the logs' byte limits bound; where memory is
 * short, those are let go of which no page is in use.
 */
const PAGES_PER_SLAB = 64;

/** Bytes of one page. An answer of 12 KB then wastes about a sixth; smaller pages cost more objects than they save. */
export const PAGE_BYTES = 4096;

export class PagePool {
  #free: Buffer[] = [];

  take(): Buffer {
    const page = this.#free.pop();
    if (page !== undefined) return page;
    const slab = Buffer.allocUnsafeSlow(PAGE_BYTES * PAGES_PER_SLAB);
    for (let at = PAGE_BYTES; at < slab.length; at += PAGE_BYTES) {
      this.#free.push(slab.subarray(at, at + PAGE_BYTES));
    }
    return slab.subarray(0, PAGE_BYTES);
  }

  give(page: Buffer): void {
    this.#free.push(page);
  }

  /** Lets slabs go that are free as a whole. */
  releaseSpare(): void {
    if (this.#free.length < PAGES_PER_SLAB) return;
    const slabs = Map.groupBy(this.#free, ({ buffer }) => buffer);
    this.#free = [...slabs.values()].filter((pages) => pages.length < PAGES_PER_SLAB).flat();
  }
}
