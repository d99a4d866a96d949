/**
 * All that was said in a conversation. A question that was edited and an answer that was given again stand beside the
 * older ones, their variants; what is shown is one path from the first question to an end.
 *
 *   question 1 ─┬─ answer 1a
 *               └─ answer 1b ─┬─ question 2   ─ answer 2
 *                             └─ question 2′  ─ answer 2′     ◄ the path ends here
 *
 * Owns no request and no state of an answer: those are the conversation's.
 */
import type { ChatMessage } from './messages.ts';

/** Plain data: `parents` has for each message the place of the one before it, -1 for a first question; `end` that of the last one shown. */
export interface MessageBranches {
  readonly messages: readonly ChatMessage[];
  readonly parents: readonly number[];
  readonly end: number;
}

/** By the id of a message on the path that has variants: the ids of all of them, the oldest first. */
export type Variants = Readonly<Record<string, readonly string[]>>;

interface Entry {
  message: ChatMessage;
  parent: Entry | undefined;
  /** The one of those that follow on it that was shown last. */
  next: Entry | undefined;
}

const NONE: Variants = {};

export class MessageTree {
  /** Each comes after its parent. */
  #entries: Entry[] = [];
  #end: Entry | undefined;
  #path: readonly ChatMessage[] | undefined;
  #variants: Variants | undefined;

  /** What is shown; the same array until that changes. */
  get path(): readonly ChatMessage[] {
    this.#path ??= pathTo(this.#end).map(({ message }) => message);
    return this.#path;
  }

  get variants(): Variants {
    this.#variants ??= this.#compose();
    return this.#variants;
  }

  /** Of all paths, as they came. */
  get messages(): ChatMessage[] {
    return this.#entries.map(({ message }) => message);
  }

  /** After what is shown. */
  append(message: ChatMessage): void {
    this.#add(message, this.#end);
  }

  /** Beside the message of that id, which must be there, and shown instead of it. */
  appendBeside(id: string, message: ChatMessage): void {
    this.#add(message, this.#find(id)?.parent);
  }

  /** In the place of the message of that id. */
  replace(id: string, message: ChatMessage): void {
    const entry = this.#find(id);
    if (entry) entry.message = message;
    this.#path = undefined;
    if (id !== message.id) this.#variants = undefined;
  }

  /** Shows the path through that message, as far as it was shown before; false where there is none. */
  show(id: string): boolean {
    let end = this.#find(id);
    if (end === undefined) return false;
    while (end.next) end = end.next;
    this.#turnTo(end);
    return true;
  }

  /** Shows the path up to that message, and nothing after it. */
  endAt(id: string): void {
    this.#turnTo(this.#find(id));
  }

  /** Forgets the last message that is shown: the one before it is then the last. */
  removeEnd(): void {
    const gone = this.#end;
    if (gone === undefined) return;
    this.#entries = this.#entries.filter((entry) => entry !== gone);
    if (gone.parent) gone.parent.next = this.#entries.findLast(({ parent }) => parent === gone.parent);
    this.#turnTo(gone.parent);
  }

  /** The message on which that one follows. */
  before(id: string): ChatMessage | undefined {
    return this.#find(id)?.parent?.message;
  }

  branches(): MessageBranches {
    const places = new Map(this.#entries.map((entry, at) => [entry, at]));
    const placeOf = (entry: Entry | undefined): number => (entry && places.get(entry)) ?? -1;
    return {
      messages: this.messages,
      parents: this.#entries.map(({ parent }) => placeOf(parent)),
      end: placeOf(this.#end),
    };
  }

  /** Puts these in front: what is here follows on what was shown of them. */
  prepend({ messages, parents, end }: MessageBranches): void {
    const earlier: Entry[] = [];
    for (const [at, message] of messages.entries()) {
      const parent = earlier[parents[at] ?? -1];
      const entry: Entry = { message, parent, next: undefined };
      if (parent) parent.next = entry;
      earlier.push(entry);
    }
    for (const entry of this.#entries) entry.parent ??= earlier[end];
    this.#entries = [...earlier, ...this.#entries];
    this.#turnTo(this.#end ?? earlier[end]);
  }

  /** Adds those that `choose` wants, each after what it stands after there; what is on both sides is what it says of the two. */
  merge(
    { messages, parents }: MessageBranches,
    choose: (own: ChatMessage | undefined, other: ChatMessage) => ChatMessage | undefined,
  ): void {
    const entries = new Map(this.#entries.map((entry) => [entry.message.id, entry]));
    const places: (Entry | undefined)[] = [];
    for (const [at, message] of messages.entries()) {
      const parent = places[parents[at] ?? -1];
      const known = entries.get(message.id);
      const chosen = choose(known?.message, message);
      if (known) known.message = chosen ?? known.message;
      places.push(known ?? (chosen ? this.#insert(chosen, parent) : parent));
    }
    this.#turnTo(this.#end);
  }

  #add(message: ChatMessage, parent: Entry | undefined): void {
    this.#turnTo(this.#insert(message, parent));
  }

  #insert(message: ChatMessage, parent: Entry | undefined): Entry {
    const entry: Entry = { message, parent, next: undefined };
    if (parent) parent.next ??= entry;
    this.#entries = [...this.#entries, entry];
    return entry;
  }

  #turnTo(end: Entry | undefined): void {
    this.#end = end;
    for (let entry = end; entry?.parent; entry = entry.parent) entry.parent.next = entry;
    this.#path = undefined;
    this.#variants = undefined;
  }

  #find(id: string): Entry | undefined {
    return this.#entries.findLast(({ message }) => message.id === id);
  }

  #compose(): Variants {
    const variants: Record<string, readonly string[]> = {};
    for (const { message, parent } of pathTo(this.#end)) {
      const beside = this.#entries.filter((entry) => entry.parent === parent);
      if (beside.length > 1) variants[message.id] = beside.map((entry) => entry.message.id);
    }
    return Object.keys(variants).length === 0 ? NONE : variants;
  }
}

function pathTo(end: Entry | undefined): Entry[] {
  const path: Entry[] = [];
  for (let entry = end; entry; entry = entry.parent) path.push(entry);
  return path.reverse();
}
