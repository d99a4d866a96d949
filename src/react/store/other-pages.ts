/**
 * Several pages with the conversations of one user in one storage, such as the tabs of a browser: each takes in what the others do.
 *
 * A browser lets two tabs write at once, and one of both is lost; each then reads the other's text. So a text names the latest
 * writing of each page that it follows on. Where it follows on this page's latest, what differs from that was done elsewhere, and what is
 * missing was deleted there. Where it does not, it only adds.
 */
import { mintStreamId } from '../../client/platform.ts';
import {
  type ConversationRecord,
  type KeptConversations,
  NOTHING_KEPT,
  parse,
  saysTheSame,
} from './conversation-record.ts';
import type { ConversationStore } from './conversation-store.ts';

/** A page's own conversations. */
export interface OwnPage {
  /** The most that are kept: one that is missing among so many was not deleted. */
  readonly most: number;
  /** Those in which something was asked. */
  stores(): readonly ConversationStore[];
  /** Has that one from now on. */
  add(record: ConversationRecord): void;
  /** Another page has said more in it. */
  changed(store: ConversationStore): void;
  forget(id: string): void;
  /** Forgets all, also what was only typed. */
  clear(): void;
}

/** Of pages that wrote, the latest: of the others each text counts as following on them. */
const MOST_PAGES = 20;

export class OtherPages {
  /** Among all that write. */
  readonly #name = mintStreamId();
  readonly #own: OwnPage;
  /** By a page's name when its latest writing was, Unix ms. */
  #knows = new Map<string, number>();
  #written = 0;
  /** What was written before all was last cleared counts for nothing, Unix ms. */
  #cleared = 0;
  /** As they were last written here, or read. */
  readonly #known = new Map<string, ConversationRecord>();
  #theirs: KeptConversations = NOTHING_KEPT;
  /** By id when the last question had been asked in what was deleted here. */
  readonly #deleted = new Map<string, number>();

  constructor(own: OwnPage) {
    this.#own = own;
  }

  /** What others had left is kept along, and not taken up here: drafts of what nobody has asked, answers to be erased. */
  get left(): Pick<KeptConversations, 'conversations'> & { readonly erasing: readonly string[] } {
    const { conversations, erasing = [] } = this.#theirs;
    return { conversations: conversations.filter(({ askedAt }) => askedAt === 0), erasing };
  }

  deleted(id: string, askedAt: number): void {
    this.#deleted.set(id, askedAt);
  }

  restored(id: string): void {
    this.#deleted.delete(id);
  }

  /** All is deleted, on each page, whatever another one writes meanwhile. `now`: Unix ms. */
  clear(now: number): void {
    this.#empty(Math.max(this.#cleared + 1, now));
  }

  /** This is in the storage: read before anything was written, or written here. */
  know({ knows = {}, cleared = 0, conversations }: KeptConversations): void {
    this.#learn(knows);
    this.#cleared = Math.max(this.#cleared, cleared);
    for (const record of conversations) this.#known.set(record.id, record);
  }

  /** Signs what is to be written now, Unix ms. It may fail: what is in the storage is told by `know`. */
  sign(kept: KeptConversations, now: number): KeptConversations {
    this.#written = Math.max(this.#written + 1, now);
    const knows = { ...Object.fromEntries(this.#knows), [this.#name]: this.#written };
    return { ...kept, page: this.#name, knows, cleared: this.#cleared || undefined };
  }

  /** True where something of this page is not in it. */
  merge(text: string): boolean {
    const theirs = parse(text);
    const { page, knows = {}, cleared = 0, conversations } = theirs;
    if (page === this.#name) return false; // a storage that brings an older text back
    const follows = page !== undefined && this.#isKnownTo(knows);
    this.#learn(knows);
    if (cleared < this.#cleared) return true;
    const isCleared = cleared > this.#cleared;
    if (isCleared) {
      this.#empty(cleared);
      this.#own.clear();
    }
    this.#theirs = theirs;
    const there = new Map(conversations.map((record) => [record.id, record]));
    const stores = new Map(this.#own.stores().map((store) => [store.id, store]));
    for (const record of conversations)
      if (record.askedAt > 0) this.#take(record, stores.get(record.id), follows);
    // Older ones may have been left out for want of room.
    const oldest = conversations.length < this.#own.most ? 0 : (conversations.at(-1)?.askedAt ?? 0);
    if (follows)
      for (const record of this.#known.values())
        if (!there.has(record.id) && record.askedAt > oldest) this.#lose(record, stores.get(record.id));
    return isCleared || this.#isMissing(there, oldest);
  }

  #empty(cleared: number): void {
    this.#cleared = cleared;
    this.#known.clear();
    this.#theirs = { ...NOTHING_KEPT, erasing: this.#theirs.erasing };
  }

  #isKnownTo(knows: Readonly<Record<string, number>>): boolean {
    const writings = Object.values(knows);
    const forgotten = writings.length < MOST_PAGES ? 0 : Math.min(...writings);
    return [...this.#knows].every(([name, written]) => written <= (knows[name] ?? forgotten));
  }

  #take(record: ConversationRecord, store: ConversationStore | undefined, follows: boolean): void {
    const known = this.#known.get(record.id);
    if (store) {
      if (known && saysTheSame(record, known)) return;
      store.merge(record, follows ? (known ?? null) : undefined);
      this.#own.changed(store);
    } else if (record.askedAt > (this.#deleted.get(record.id) ?? 0)) {
      this.#own.add(record);
    }
    if (follows || !known) this.#known.set(record.id, record);
  }

  /** Deleted elsewhere, unless something was asked here meanwhile. */
  #lose({ id, askedAt }: ConversationRecord, store: ConversationStore | undefined): void {
    this.#known.delete(id);
    if (store && store.summary().askedAt <= askedAt) this.#own.forget(id);
  }

  #isMissing(there: ReadonlyMap<string, ConversationRecord>, oldest: number): boolean {
    const isDeleted = ({ id, askedAt }: ConversationRecord): boolean =>
      askedAt <= (this.#deleted.get(id) ?? 0);
    const isNew = (store: ConversationStore): boolean => {
      const record = there.get(store.id);
      return record ? !store.isIn(record) : store.summary().askedAt > oldest;
    };
    return (
      [...there.values()].some((each) => each.askedAt > 0 && isDeleted(each)) ||
      this.#own.stores().some(isNew)
    );
  }

  #learn(knows: Readonly<Record<string, number>>): void {
    for (const [page, written] of Object.entries(knows))
      this.#knows.set(page, Math.max(this.#knows.get(page) ?? 0, written));
    const latestLast = [...this.#knows].sort(([, one], [, other]) => one - other);
    this.#knows = new Map(latestLast.slice(-MOST_PAGES));
  }
}
