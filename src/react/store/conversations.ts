/**
 * All conversations of a user: which there are, what is unread, and what is kept beyond the page. Each goes on by
 * itself; several may be answered at once. They belong to the user of the client's token: when another one comes, all
 * are forgotten, and those kept for that one are read.
 */

import type { DashClient, ListedStream } from '../../client/index.ts';
import { type ClientClock, type ClientTimer, deviceClock, mintStreamId } from '../../client/platform.ts';
import { Attachments } from './attachments.ts';
import {
  type ConversationRecord,
  type KeptConversations,
  NOTHING_KEPT,
  parse,
  serialise,
  withStoppedAnswers,
} from './conversation-record.ts';
import { type ConversationWriter, createConversationWriter } from './conversation-storage.ts';
import { ConversationStore, type ConversationSummary } from './conversation-store.ts';
import { Erasures } from './erasures.ts';
import { FramedStore } from './framed-store.ts';
import { createFrames, type Frames } from './frames.ts';
import { type ExportedFile, exportMarkdown, type Speakers } from './markdown-export.ts';
import { attachmentsOf } from './messages.ts';
import { OtherPages } from './other-pages.ts';
import type { ConversationStorage } from './shared-text.ts';

export interface ConversationsSnapshot {
  /** Those in which something was asked; the one asked last comes first. */
  readonly list: readonly ConversationSummary[];
  readonly unreadCount: number;
  /** The one looked at last, also on an earlier page. */
  readonly viewed: string | undefined;
  /** The one removed last, while it can still be brought back. */
  readonly removed: RemovedConversation | undefined;
  /** What was kept for whoever is signed in has been read. */
  readonly isRestored: boolean;
  /** How often a user left, and all was forgotten: a `key` for what a screen holds of it. */
  readonly departures: number;
}

export interface RemovedConversation {
  readonly id: string;
  readonly title: string;
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
/** For so long one that was removed can be brought back, ms: time to be read to, and to reach the button. */
const UNDO_MS = 10_000;

/** Out of the storage already; here alone until `timer` fires. */
interface Removal {
  readonly of: RemovedConversation;
  readonly record: ConversationRecord;
  readonly timer: ClientTimer;
}

export class Conversations extends FramedStore<ConversationsSnapshot> {
  /** The files of all questions. */
  readonly attachments: Attachments;
  readonly #options: ConversationsOptions;
  readonly #frames: Frames;
  readonly #clock: ClientClock;
  readonly #stores = new Map<string, ConversationStore>();
  #writer: ConversationWriter | undefined;
  #others: OtherPages;
  /** Whose they are; undefined until it is known, null while nobody is signed in. */
  #userId: string | null | undefined;
  #departures = 0;
  #unsubscribe: (() => void) | undefined;
  /** Forgotten while what was kept is still being read. */
  readonly #removed = new Set<string>();
  #isCleared = false;
  #removal: Removal | undefined;
  readonly #erasures: Erasures;
  #viewed: string | undefined;
  /** A person chose the one that is viewed. */
  #isChosen = false;
  #isRestored: boolean;
  #isOpen = false;

  constructor(options: ConversationsOptions) {
    const { frames = createFrames(), clock = deviceClock, storage } = options;
    const isRestored = storage === undefined;
    super(frames, {
      list: [],
      unreadCount: 0,
      viewed: undefined,
      removed: undefined,
      isRestored,
      departures: 0,
    });
    this.attachments = new Attachments(options.client, frames);
    this.#erasures = new Erasures(options.client, () => this.#heard('state'));
    this.#others = this.#withOthers();
    this.#options = options;
    this.#frames = frames;
    this.#clock = clock;
    this.#isRestored = isRestored;
  }

  /** Takes up what was under way, and reads what was kept as soon as it is known for whom. Idempotent until `close`. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#writer?.resume();
    if (this.#isRestored) this.#reattach();
    this.#unsubscribe = this.#options.client.onUser((userId, signedOut) => this.#belongTo(userId, signedOut));
  }

  /** Lets go of what is under way without stopping it: the relay goes on for a while. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#unsubscribe?.();
    this.#endRemoval();
    for (const store of this.#stores.values()) store.detach();
    if (this.#isRestored) this.#writer?.now();
    this.#writer?.stop();
  }

  /** The conversation of that id; a new one is listed as soon as something was asked in it. */
  get(id: string): ConversationStore {
    const known = this.#stores.get(id);
    if (known) return known;
    const { client, historyMessages = 11 } = this.#options;
    const store = new ConversationStore(id, {
      client,
      historyMessages,
      attachments: this.attachments,
      frames: this.#frames,
      now: () => this.#clock.now(),
      changed: (what) => this.#heard(what),
      filesRemoved: () => this.#forgetFiles(),
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

  /** A new conversation: the one in which something is typed or attached but nothing asked yet, else another. */
  begin(): string {
    const begun = Array.from(this.#stores.values()).find(
      (store) => store.hasDraft() && store.summary().askedAt === 0,
    );
    return begun?.id ?? mintConversationId();
  }

  /** A conversation with an answer that was asked for elsewhere, by that name; its id. The same each time. */
  adopt(stream: ListedStream, name: string): string {
    const known = Array.from(this.#stores.values()).find((store) => store.hasAnswer(stream.id));
    if (known) return known.id;
    const id = mintConversationId();
    this.get(id).adopt(stream, name);
    return id;
  }

  /** Whether that answer is in one of them. */
  hasAnswer(id: string): boolean {
    return Array.from(this.#stores.values()).some((store) => store.hasAnswer(id));
  }

  /**
   * Takes it away, also from where it is kept; an answer that is under way is stopped. For a while `undoRemove` brings it back: after
   * that its answers are erased from where the relay keeps them.
   */
  remove(id: string): void {
    const store = this.#stores.get(id);
    this.#endRemoval();
    if (store && store.summary().askedAt > 0) {
      const timer = this.#clock.after(UNDO_MS, () => {
        this.#endRemoval();
        this.publish();
      });
      this.#removal = { of: { id, title: store.summary().title }, record: store.record(), timer };
    }
    this.#forget(id);
    this.publish();
  }

  /** The id of the one that is back; undefined where it is too late. */
  undoRemove(): string | undefined {
    if (this.#removal === undefined) return undefined;
    const { record } = this.#removal;
    this.#removed.delete(record.id);
    this.#others.restored(record.id);
    this.get(record.id).restore(withStoppedAnswers(record));
    this.#dropRemoval();
    this.#heard('state');
    this.publish();
    return record.id;
  }

  /** Forgets all, also what is kept: when a user signs out. */
  clear(): void {
    this.#isCleared = true;
    this.#others.clear(this.#clock.now());
    this.#emptyAll();
    this.#writer?.now();
  }

  /** Of those that are listed: all words of `query` stand in their title or in what was said. */
  search(query: string): readonly ConversationSummary[] {
    return this.getSnapshot().list.filter(({ id }) => this.#stores.get(id)?.matches(query));
  }

  /** Where a word of `query` stands in what was said in that one, with some words around it; undefined where its title has them all. */
  excerpt(id: string, query: string): string | undefined {
    return this.#stores.get(id)?.excerpt(query);
  }

  /** What is shown of it, as a document. */
  export(id: string, speakers: Speakers): ExportedFile {
    const store = this.get(id);
    return exportMarkdown(store.summary().title, store.getSnapshot().messages, speakers);
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
      removed: this.#removal?.of,
      isRestored: this.#isRestored,
      departures: this.#departures,
    };
    const keys = Object.keys(next) as (keyof ConversationsSnapshot)[];
    return keys.every((key) => next[key] === before[key]) ? before : next;
  }

  #forget(id: string): void {
    const store = this.#stores.get(id);
    if (store) this.#others.deleted(id, store.summary().askedAt);
    this.#empty(id);
    this.#heard('state');
  }

  /** Nothing is written before all is empty. */
  #emptyAll(): void {
    for (const id of this.#stores.keys()) this.#empty(id);
    this.#endRemoval();
    this.changed();
  }

  #empty(id: string): void {
    this.#stores.get(id)?.forget(); // kept: a screen may show it still
    if (!this.#isRestored) this.#removed.add(id);
    if (this.#viewed === id) this.#viewed = undefined;
    this.#forgetFiles();
  }

  /** Those that no conversation has, nor one that may be brought back. */
  #forgetFiles(): void {
    const kept = Array.from(this.#stores.values()).flatMap((store) => store.fileIds());
    const removed = this.#removal?.record.messages.flatMap(attachmentsOf).map(({ id }) => id) ?? [];
    this.attachments.keepOnly(new Set([...kept, ...removed]));
  }

  /** It cannot be brought back any more. */
  #endRemoval(): void {
    const ids = this.#removedAnswers();
    this.#dropRemoval();
    this.#erasures.add(ids);
  }

  #removedAnswers(): string[] {
    const messages = this.#removal?.record.messages ?? [];
    return messages.filter(({ role }) => role === 'assistant').map(({ id }) => id);
  }

  #dropRemoval(): void {
    this.#removal?.timer.cancel();
    this.#removal = undefined;
    this.#forgetFiles();
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
      const others = this.#withOthers();
      this.#others = others;
      const writer = createConversationWriter(storage, `${storageKey}.${userId}`, this.#clock, {
        write: () => {
          const kept = others.sign(this.#kept(), this.#clock.now());
          return { text: serialise(kept), written: () => others.know(kept) };
        },
        merge: (text) => {
          const isMissing = others.merge(text);
          this.publish();
          return isMissing;
        },
      });
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
    this.#dropRemoval();
    this.#erasures.leave();
    this.#isCleared = false;
    this.#viewed = undefined;
    this.#isChosen = false;
    this.#departures += 1;
    for (const store of this.#stores.values()) if (store.passOn()) this.#viewed = store.id;
    this.#forgetFiles();
    this.publish();
  }

  #restore(text: string | null): void {
    const stored = parse(text);
    this.#others.know(stored);
    if (this.#isCleared) this.#others.clear(this.#clock.now());
    const kept = this.#isCleared ? NOTHING_KEPT : stored;
    for (const record of kept.conversations)
      if (!this.#removed.has(record.id)) this.get(record.id).restore(record);
    if (kept.viewed !== undefined && this.#stores.has(kept.viewed)) this.#turnTo(kept.viewed);
    this.#isRestored = true;
    this.#erasures.add(stored.erasing ?? []);
    const { viewed, conversations, erasing } = stored;
    if (serialise(this.#kept()) !== serialise({ viewed, conversations, erasing })) this.#writer?.now(); // what happened while it was read
    if (this.#isOpen) this.#reattach();
    this.publish();
  }

  /** Goes back to the one that was looked at, unless a person has begun something else; what was typed comes along. */
  #turnTo(viewed: string): void {
    const shown = this.#viewed === undefined ? undefined : this.get(this.#viewed);
    if (shown && (this.#isChosen || shown.summary().askedAt > 0)) return;
    this.#viewed = viewed;
    if (shown && shown.id !== viewed) shown.moveDraftTo(this.get(viewed));
  }

  #reattach(): void {
    for (const store of this.#stores.values()) store.reattach();
  }

  #withOthers(): OtherPages {
    return new OtherPages({
      most: KEPT_CONVERSATIONS,
      stores: () => Array.from(this.#stores.values()).filter((store) => store.summary().askedAt > 0),
      add: (record) => {
        const { position } = record;
        // Where the relay has not answered yet, the page that asked follows it alone.
        this.get(record.id).restore({
          ...record,
          position: position?.epoch === undefined ? undefined : position,
        });
        this.#follow(this.get(record.id));
      },
      changed: (store) => this.#follow(store),
      forget: (id) => {
        this.#empty(id);
        this.changed();
      },
      clear: () => this.#emptyAll(),
    });
  }

  #follow(store: ConversationStore): void {
    if (this.#isOpen && store.isWaiting) store.reattach();
  }

  #kept(): KeptConversations {
    const own = Array.from(this.#stores.values(), (store) => store.record());
    const ids = new Set(own.map(({ id }) => id));
    const left = this.#others.left;
    const conversations = [...own, ...left.conversations.filter(({ id }) => !ids.has(id))]
      .filter(({ askedAt, draft }) => askedAt > 0 || draft !== '')
      .sort((one, other) => other.askedAt - one.askedAt)
      .slice(0, KEPT_CONVERSATIONS);
    const removed = [...this.#erasures.left(left.erasing), ...this.#removedAnswers()];
    const erasing = [...new Set(removed)].filter((id) => !this.hasAnswer(id)); // brought back
    return { viewed: this.#viewed, conversations, erasing: erasing.length > 0 ? erasing : undefined };
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
