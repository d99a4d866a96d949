/**
 * All conversations of a user: which there are, what is unread, and what is kept beyond the page. Each goes on by
 * itself; several may be answered at once. They belong to the user of the client's token: when another one comes, all
 * are forgotten, and those kept for that one are read.
 */

import type { DashClient } from '../../client/index.ts';
import { type ClientClock, deviceClock, mintStreamId } from '../../client/platform.ts';
import { NOTHING_KEPT, parse, serialise } from './conversation-record.ts';
import {
  type ConversationStorage,
  type ConversationWriter,
  createConversationWriter,
} from './conversation-storage.ts';
import { ConversationStore, type ConversationSummary } from './conversation-store.ts';
import { FramedStore } from './framed-store.ts';
import { createFrames, type Frames } from './frames.ts';

export interface ConversationsSnapshot {
  /** Those in which something was asked; the one asked last comes first. */
  readonly list: readonly ConversationSummary[];
  readonly unreadCount: number;
  /** The one looked at last, also on an earlier page. */
  readonly viewed: string | undefined;
  /** What was kept for whoever is signed in has been read. */
  readonly isRestored: boolean;
  /** How often a user left, and all was forgotten: a `key` for what a screen holds of it. */
  readonly departures: number;
}

export interface ConversationsOptions {
  readonly client: DashClient;
  readonly frames?: Frames | undefined;
  /** Where conversations are kept, whole and in plain text. Default: nowhere. */
  readonly storage?: ConversationStorage | undefined;
  /** Under which name, to which the user's id is added. Default `dash-relay`. */
  readonly storageKey?: string | undefined;
  /** How many messages the model is told, the new one included. Default 11. */
  readonly historyMessages?: number | undefined;
  readonly clock?: ClientClock | undefined;
}

/** More are not kept: the oldest go first. */
const KEPT_CONVERSATIONS = 50;

export class Conversations extends FramedStore<ConversationsSnapshot> {
  readonly #options: ConversationsOptions;
  readonly #frames: Frames;
  readonly #clock: ClientClock;
  readonly #stores = new Map<string, ConversationStore>();
  #writer: ConversationWriter | undefined;
  /** Whose they are; undefined until it is known, null while nobody is signed in. */
  #userId: string | null | undefined;
  #departures = 0;
  #unsubscribe: (() => void) | undefined;
  /** Forgotten while what was kept is still being read. */
  readonly #removed = new Set<string>();
  #isCleared = false;
  #viewed: string | undefined;
  /** A person chose the one that is viewed. */
  #isChosen = false;
  #isRestored: boolean;
  #isOpen = false;

  constructor(options: ConversationsOptions) {
    const { frames = createFrames(), clock = deviceClock, storage } = options;
    const isRestored = storage === undefined;
    super(frames, { list: [], unreadCount: 0, viewed: undefined, isRestored, departures: 0 });
    this.#options = options;
    this.#frames = frames;
    this.#clock = clock;
    this.#isRestored = isRestored;
  }

  /** Takes up what was under way, and reads what was kept as soon as it is known for whom. Idempotent until `close`. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    if (this.#isRestored) this.#reattach();
    this.#unsubscribe = this.#options.client.onUser((userId, signedOut) => this.#belongTo(userId, signedOut));
  }

  /** Lets go of what is under way without stopping it: the relay goes on for a while. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#unsubscribe?.();
    for (const store of this.#stores.values()) store.detach();
    if (this.#isRestored) this.#writer?.now();
  }

  /** The conversation of that id; a new one is listed as soon as something was asked in it. */
  get(id: string): ConversationStore {
    const known = this.#stores.get(id);
    if (known) return known;
    const { client, historyMessages = 11 } = this.#options;
    const store = new ConversationStore(id, {
      client,
      historyMessages,
      frames: this.#frames,
      now: () => this.#clock.now(),
      changed: (what) => this.#heard(what),
    });
    this.#stores.set(id, store);
    return store;
  }

  /** Somebody looks at that conversation, until the function it returns is called. */
  view(id: string): () => void {
    this.#viewed = id;
    const leave = this.get(id).view();
    this.#heard('state');
    return leave;
  }

  /** A person wants to see that conversation: what an earlier page looked at does not take its place. */
  choose(id: string): void {
    this.#isChosen = true;
    this.#viewed = id;
    this.#heard('state');
  }

  /** A new conversation: the one in which something is typed but nothing asked yet, else another. */
  begin(): string {
    const begun = Array.from(this.#stores.values()).find(
      (store) => store.draft.getSnapshot() !== '' && store.summary().askedAt === 0,
    );
    return begun?.id ?? mintConversationId();
  }

  /** Forgets it; an answer that is under way is stopped. */
  remove(id: string): void {
    this.#stores.get(id)?.forget(); // kept, empty: a screen may show it still
    if (!this.#isRestored) this.#removed.add(id);
    if (this.#viewed === id) this.#viewed = undefined;
    this.#heard('state');
  }

  /** Forgets all, also what is kept: when a user signs out. */
  clear(): void {
    for (const id of this.#stores.keys()) this.remove(id);
    this.#isCleared = true;
    this.#writer?.now();
  }

  protected override compose(before: ConversationsSnapshot): ConversationsSnapshot {
    const known = new Map(before.list.map((summary) => [summary.id, summary]));
    const list = Array.from(this.#stores.values(), (store) => summaryOf(store, known.get(store.id)))
      .filter(({ askedAt }) => askedAt > 0)
      .sort((one, other) => other.askedAt - one.askedAt);
    const next = {
      list: isSame(list, before.list) ? before.list : list,
      unreadCount: list.filter(({ unread }) => unread).length,
      viewed: this.#viewed,
      isRestored: this.#isRestored,
      departures: this.#departures,
    };
    const keys = Object.keys(next) as (keyof ConversationsSnapshot)[];
    return keys.every((key) => next[key] === before[key]) ? before : next;
  }

  #heard(what: 'text' | 'state'): void {
    if (what === 'state') this.changed();
    if (!this.#isRestored || !this.#isOpen) return;
    if (what === 'state') this.#writer?.now();
    else this.#writer?.soon();
  }

  /** What was asked before it was known who asks belongs to the first who is. */
  #belongTo(userId: string | null, signedOut: boolean): void {
    if (signedOut) this.clear();
    if (signedOut || (this.#userId && userId !== this.#userId)) this.#depart();
    if (userId !== this.#userId) this.#arrive(userId);
  }

  #arrive(userId: string | null): void {
    this.#userId = userId;
    const { storage, storageKey = 'dash-relay' } = this.#options;
    if (!storage) return;
    this.#isRestored = userId === null;
    if (userId !== null) {
      const writer = createConversationWriter(storage, `${storageKey}.${userId}`, this.#clock, () =>
        this.#serialised(),
      );
      this.#writer = writer;
      writer.load((text) => {
        if (writer === this.#writer) this.#restore(text);
      });
    }
    this.publish();
  }

  /** The next user begins with nothing. What is kept for the one before stays as it was last written. */
  #depart(): void {
    this.#writer?.stop();
    this.#writer = undefined;
    this.#isRestored = this.#options.storage === undefined;
    this.#removed.clear();
    this.#isCleared = false;
    this.#viewed = undefined;
    this.#isChosen = false;
    this.#departures += 1;
    for (const store of this.#stores.values()) if (store.passOn()) this.#viewed = store.id;
    this.publish();
  }

  #restore(text: string | null): void {
    const kept = text === null || this.#isCleared ? NOTHING_KEPT : parse(text);
    for (const record of kept.conversations)
      if (!this.#removed.has(record.id)) this.get(record.id).restore(record);
    if (kept.viewed !== undefined && this.#stores.has(kept.viewed)) this.#turnTo(kept.viewed);
    this.#isRestored = true;
    if (this.#serialised() !== serialise(kept)) this.#writer?.now(); // what happened while it was read
    if (this.#isOpen) this.#reattach();
    this.publish();
  }

  /** Goes back to the one that was looked at, unless a person has begun something else; what was typed comes along. */
  #turnTo(viewed: string): void {
    const shown = this.#viewed === undefined ? undefined : this.get(this.#viewed);
    if (shown && (this.#isChosen || shown.summary().askedAt > 0)) return;
    this.#viewed = viewed;
    if (shown && shown.id !== viewed) shown.draft.moveTo(this.get(viewed).draft);
  }

  #reattach(): void {
    for (const store of this.#stores.values()) store.reattach();
  }

  #serialised(): string {
    const conversations = Array.from(this.#stores.values(), (store) => store.record())
      .filter(({ askedAt, draft }) => askedAt > 0 || draft !== '')
      .sort((one, other) => other.askedAt - one.askedAt)
      .slice(0, KEPT_CONVERSATIONS);
    return serialise({ viewed: this.#viewed, conversations });
  }
}

/** For a conversation that nobody has named. */
export const mintConversationId = mintStreamId;

function summaryOf(store: ConversationStore, known: ConversationSummary | undefined): ConversationSummary {
  const next = store.summary();
  return known !== undefined && isSame(Object.values(next), Object.values(known)) ? known : next;
}

function isSame(list: readonly unknown[], before: readonly unknown[]): boolean {
  return list.length === before.length && list.every((each, at) => each === before[at]);
}
