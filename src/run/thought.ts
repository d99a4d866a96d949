/**
 * What a run thinks between two of its deltas: a state, and no part of its log. Of its text, where readers are told any,
 * only the last of it is held; each reader keeps a place in it, as in the log.
 */
import type { WireText } from '../protocol/wire-text.ts';

/** Text that is held for readers that are slow. */
const MAX_BYTES = 16 * 1024;

export class Thought {
  /** The seq after which it began: it is over with the next one. */
  readonly after: number;
  #pieces: WireText[] = [];
  #dropped = 0;
  #bytes = 0;

  constructor(after: number) {
    this.after = after;
  }

  /** Pieces so far, those that are no longer held as well. */
  get length(): number {
    return this.#dropped + this.#pieces.length;
  }

  /** @param json the inside of a JSON string literal */
  append(json: WireText): void {
    this.#pieces.push(json);
    this.#bytes += json.length;
    while (this.#bytes > MAX_BYTES) {
      this.#bytes -= this.#pieces.shift()?.length ?? 0;
      this.#dropped += 1;
    }
  }

  /** The pieces from that one on, or from the first one held, as one: within `maxBytes`, but one at least. */
  read(from: number, maxBytes: number): { readonly json: WireText; readonly end: number } | undefined {
    let at = Math.max(0, from - this.#dropped);
    let json = this.#pieces[at];
    if (json === undefined) return undefined;
    for (at += 1; json.length + (this.#pieces[at]?.length ?? Infinity) <= maxBytes; at += 1)
      json = `${json}${this.#pieces[at]}` as WireText;
    return { json, end: this.#dropped + at };
  }
}

/** A reader's place in a thought. */
export class ThoughtPosition {
  readonly thought: Thought;
  #isTold = false;
  #end: number;

  /** @param end the pieces that this reader is not told */
  constructor(thought: Thought, end: number) {
    this.thought = thought;
    this.#end = end;
  }

  /** Nothing is left to tell for now. */
  get caughtUp(): boolean {
    return this.#isTold && this.#end >= this.thought.length;
  }

  /** First that there is a thought, then its pieces; `undefined` where it has caught up. */
  next(maxBytes: number): 'begun' | WireText | undefined {
    if (!this.#isTold) {
      this.#isTold = true;
      return 'begun';
    }
    const read = this.thought.read(this.#end, maxBytes);
    if (read === undefined) return undefined;
    this.#end = read.end;
    return read.json;
  }
}
