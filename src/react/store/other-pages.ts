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
}

/** Of pages that wrote: those of long ago are not asked for any more. */
const MOST_PAGES = 20;

export class OtherPages {
  /** Among all that write. */
  readonly #name = mintStreamId();
  readonly #own: OwnPage;
  /** By a page's name its latest writing. */
  #knows = new Map<string, number>();
  #writings = 0;
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

  /** This has been read before anything is written. */
  begin({ knows = {}, conversations }: KeptConversations): void {
    this.#learn(knows);
    for (const record of conversations) this.#known.set(record.id, record);
  }

  /** Signs what is written now. */
  sign(kept: KeptConversations): KeptConversations {
    this.#writings += 1;
    this.#learn({ [this.#name]: this.#writings });
    for (const record of kept.conversations) this.#known.set(record.id, record);
    return { ...kept, page: this.#name, knows: Object.fromEntries(this.#knows) };
  }

  /** True where something of this page is not in it. */
  merge(text: string): boolean {
    const theirs = parse(text);
    const { page, knows = {}, conversations } = theirs;
    if (page === this.#name) return false; // a storage that brings an older text back
    const follows = [...this.#knows].every(([name, writing]) => (knows[name] ?? 0) >= writing);
    this.#theirs = theirs;
    this.#learn(knows);
    const there = new Map(conversations.map((record) => [record.id, record]));
    for (const record of conversations) if (record.askedAt > 0) this.#take(record, follows);
    if (follows && conversations.length < this.#own.most)
      for (const record of this.#known.values()) if (!there.has(record.id)) this.#lose(record);
    return this.#isMissing(there);
  }

  #take(record: ConversationRecord, follows: boolean): void {
    const store = this.#own.stores().find(({ id }) => id === record.id);
    const known = this.#known.get(record.id);
    if (store) {
      store.merge(record, follows ? (known ?? null) : undefined);
      this.#own.changed(store);
    } else if (record.askedAt > (this.#deleted.get(record.id) ?? 0)) {
      this.#own.add(record);
    }
    if (follows || !known) this.#known.set(record.id, record);
  }

  /** Deleted elsewhere, unless something was asked here meanwhile. */
  #lose({ id, askedAt }: ConversationRecord): void {
    this.#known.delete(id);
    const store = this.#own.stores().find((each) => each.id === id);
    if (store && store.summary().askedAt <= askedAt) this.#own.forget(id);
  }

  #isMissing(there: ReadonlyMap<string, ConversationRecord>): boolean {
    const isDeleted = ({ id, askedAt }: ConversationRecord): boolean =>
      askedAt <= (this.#deleted.get(id) ?? 0);
    const isNew = (store: ConversationStore): boolean => {
      const record = there.get(store.id);
      return record === undefined || !store.isIn(record);
    };
    return (
      [...there.values()].some((each) => each.askedAt > 0 && isDeleted(each)) ||
      this.#own.stores().some(isNew)
    );
  }

  #learn(knows: Readonly<Record<string, number>>): void {
    for (const [page, writing] of Object.entries(knows)) {
      const latest = Math.max(this.#knows.get(page) ?? 0, writing);
      this.#knows.delete(page);
      this.#knows.set(page, latest);
    }
    this.#knows = new Map([...this.#knows].slice(-MOST_PAGES));
  }
}
