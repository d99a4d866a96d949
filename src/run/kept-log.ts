/**
 * The log of an answer that is read back: it holds all of it, whatever runs beside it, and takes no room from the logs of
 * live runs. Its deltas are where they were read into; nothing is copied that is not read.
 */
import type { WireText } from '../protocol/wire-text.ts';
import type { DeltaSink, LogCursor, LogEntry, StreamLog } from '../stream-log/port.ts';

export class KeptLog implements StreamLog {
  #deltas: WireText[];
  #heldBytes = 0;
  #head: number;
  #released = false;

  /** @param deltas the first has seq 1 */
  constructor(deltas: readonly WireText[]) {
    this.#deltas = [...deltas];
    this.#head = deltas.length;
    for (const { length } of deltas) this.#heldBytes += length;
  }

  get head(): number {
    return this.#head;
  }

  get first(): number {
    return this.#released ? this.#head + 1 : 1;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  append(_kind: 'text' | 'event', json: WireText): number {
    this.#deltas.push(json);
    this.#heldBytes += json.length;
    this.#head += 1;
    return this.#head;
  }

  cursor(after: number): LogCursor | undefined {
    return after > this.#head || after < this.first - 1 ? undefined : new KeptLogCursor(this, after);
  }

  seal(): void {
    // Nothing is held in reserve.
  }

  release(): void {
    this.#released = true;
    this.#deltas = [];
    this.#heldBytes = 0;
  }

  /** The delta of that seq; `undefined` past the head. */
  delta(seq: number): WireText | 'gap' | undefined {
    return this.#released ? 'gap' : this.#deltas[seq - 1];
  }
}

class KeptLogCursor implements LogCursor {
  readonly #log: KeptLog;
  #seq: number;

  constructor(log: KeptLog, after: number) {
    this.#log = log;
    this.#seq = after;
  }

  get seq(): number {
    return this.#seq;
  }

  next(maxBytes: number): LogEntry | 'gap' | undefined {
    const first = this.#log.delta(this.#seq + 1);
    if (first === undefined) return undefined;
    if (first === 'gap') return 'gap';
    const merged: string[] = [first];
    let bytes = first.length;
    for (;;) {
      const more = this.#log.delta(this.#seq + merged.length + 1);
      if (more === undefined || bytes + more.length > maxBytes) break;
      merged.push(more);
      bytes += more.length;
    }
    this.#seq += merged.length;
    return { kind: 'text', seq: this.#seq, count: merged.length, json: merged.join('') as WireText };
  }

  pour(sink: DeltaSink, maxBytes: number): boolean {
    for (let left = maxBytes; left > 0; ) {
      const delta = this.#log.delta(this.#seq + 1);
      if (delta === undefined || delta === 'gap') return delta === undefined;
      const bytes = Buffer.from(delta, 'latin1');
      this.#seq += 1;
      left -= bytes.length;
      sink.take('text', bytes, 0, bytes.length);
    }
    return true;
  }
}
