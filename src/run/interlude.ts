/**
 * What a run does between two of its deltas: it thinks, and it waits for tools. A state, and no part of its log. What is
 * thought, where readers are told any, is held only to the last of it; each reader keeps a place in it, as in the log.
 */
import type { WireText } from '../protocol/wire-text.ts';
import type { ToolProgress } from '../upstream/port.ts';

/** What readers are told of it. `json`: a piece of what is thought, as the inside of a JSON string literal. */
export type Moment =
  | { readonly kind: 'thinking'; readonly json?: WireText | undefined }
  | { readonly kind: 'tool'; readonly progress: ToolProgress };

/** Text that is held for readers that are slow. */
const MAX_BYTES = 16 * 1024;

export class Interlude {
  /** The seq after which it began: it is over with the next one. */
  readonly after: number;
  #moments: Moment[] = [];
  /** Moments that are no longer held, and how things stood after them. */
  #dropped = 0;
  readonly #standing = new Standing();
  #bytes = 0;

  constructor(after: number) {
    this.after = after;
  }

  /** Moments so far, those that are no longer held as well. */
  get length(): number {
    return this.#dropped + this.#moments.length;
  }

  /** Returns whether that is news. */
  add(moment: Moment): boolean {
    if (moment.kind === 'tool') return this.#addTool(moment);
    const { json } = moment;
    const isNew = this.#latest?.kind !== 'thinking';
    if (isNew) this.#moments.push({ kind: 'thinking' });
    if (json === undefined) return isNew;
    this.#moments.push(moment);
    this.#bytes += json.length;
    while (this.#bytes > MAX_BYTES) this.#drop();
    return true;
  }

  #addTool(moment: Extract<Moment, { kind: 'tool' }>): boolean {
    const { call, state } = moment.progress;
    if (this.#now().stateOf(call) === state) return false;
    this.#moments.push(moment);
    return true;
  }

  #drop(): void {
    const dropped = this.#moments.shift();
    if (dropped === undefined) return;
    this.#standing.take(dropped);
    this.#dropped += 1;
    if (dropped.kind === 'thinking') this.#bytes -= dropped.json?.length ?? 0;
  }

  get #latest(): Moment | undefined {
    return this.#moments.at(-1) ?? this.#standing.latest;
  }

  #now(): Standing {
    const now = new Standing(this.#standing);
    for (const moment of this.#moments) now.take(moment);
    return now;
  }

  /** How things stand, for who comes now: the last that is known of each tool, and whether it thinks. */
  current(): readonly Moment[] {
    return this.#now().moments;
  }

  /** The same for who has not read for so long that what follows its place is no longer held. */
  before(from: number): { readonly moments: readonly Moment[]; readonly end: number } | undefined {
    return from < this.#dropped ? { moments: this.#standing.moments, end: this.#dropped } : undefined;
  }

  /** The moment at that place; pieces of what is thought as one, within `maxBytes`, but one at least. */
  read(from: number, maxBytes: number): { readonly moment: Moment; readonly end: number } | undefined {
    let at = from - this.#dropped;
    const moment = this.#moments[at];
    if (moment === undefined) return undefined;
    let json = jsonOf(moment);
    if (json === undefined) return { moment, end: from + 1 };
    for (at += 1; ; at += 1) {
      const more = jsonOf(this.#moments[at]);
      if (more === undefined || json.length + more.length > maxBytes) break;
      json = `${json}${more}` as WireText;
    }
    return { moment: { kind: 'thinking', json }, end: this.#dropped + at };
  }
}

function jsonOf(moment: Moment | undefined): WireText | undefined {
  return moment?.kind === 'thinking' ? moment.json : undefined;
}

/** What moments come to. */
class Standing {
  readonly #tools: Map<number, Extract<Moment, { kind: 'tool' }>>;
  latest: Moment | undefined;

  constructor(before?: Standing) {
    this.#tools = new Map(before === undefined ? [] : before.#tools);
    this.latest = before?.latest;
  }

  stateOf(call: number): ToolProgress['state'] | undefined {
    return this.#tools.get(call)?.progress.state;
  }

  take(moment: Moment): void {
    this.latest = moment;
    if (moment.kind === 'tool') this.#tools.set(moment.progress.call, moment);
  }

  get moments(): readonly Moment[] {
    return [
      ...this.#tools.values(),
      ...(this.latest?.kind === 'thinking' ? [{ kind: 'thinking' } as const] : []),
    ];
  }
}

/** A reader's place in an interlude. */
export class InterludePosition {
  readonly interlude: Interlude;
  /** To be told ahead of what follows. */
  #due: Moment[];
  #end: number;

  private constructor(interlude: Interlude, due: readonly Moment[], end: number) {
    this.interlude = interlude;
    this.#due = [...due];
    this.#end = end;
  }

  /** For who was there when it began. */
  static fromBeginning(interlude: Interlude): InterludePosition {
    return new InterludePosition(interlude, [], 0);
  }

  /** For who comes meanwhile: what was thought before is not told again. */
  static fromNow(interlude: Interlude): InterludePosition {
    return new InterludePosition(interlude, interlude.current(), interlude.length);
  }

  /** Nothing is left to tell for now. */
  get caughtUp(): boolean {
    return this.#due.length === 0 && this.#end >= this.interlude.length;
  }

  /** `undefined` where it has caught up. */
  next(maxBytes: number): Moment | undefined {
    const missed = this.#due.length === 0 ? this.interlude.before(this.#end) : undefined;
    if (missed !== undefined) {
      this.#due.push(...missed.moments);
      this.#end = missed.end;
    }
    const due = this.#due.shift();
    if (due !== undefined) return due;
    const read = this.interlude.read(this.#end, maxBytes);
    if (read === undefined) return undefined;
    this.#end = read.end;
    return read.moment;
  }
}
