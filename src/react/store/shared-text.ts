/** A text in a storage that several pages write, as the tabs of a browser do with `localStorage`. */

/** `sessionStorage`, `localStorage`, `AsyncStorage` and the like. */
export interface ConversationStorage {
  /** May answer later, by a promise of any kind. */
  getItem(key: string): string | null | PromiseLike<string | null>;
  setItem(key: string, value: string): unknown;
  /**
   * Of a storage that several pages share: calls back with what another page has written under that key. Returns what ends it. What
   * browsers have by themselves needs none.
   */
  subscribe?(key: string, changed: (text: string) => void): () => void;
}

/** What is written, and what becomes of what others write. */
export interface WrittenState {
  /** As it is now. `written` is called once the text is in the storage, which may be full. */
  write(): { readonly text: string; written(): void };
  /** Another page of the same storage has written this. True where something that is here is not in it. */
  merge(text: string): boolean;
}

/** The part of a browser's `window` that tells what other tabs have written; `pageshow`, that the page is back and was told nothing meanwhile. */
interface StorageEvents {
  addEventListener(type: 'storage' | 'pageshow', listener: (event: StorageEvent) => void): void;
  removeEventListener(type: 'storage' | 'pageshow', listener: (event: StorageEvent) => void): void;
}

interface StorageEvent {
  readonly storageArea: unknown;
  readonly key: string | null;
  readonly newValue: string | null;
}

/** Merges what others have written, as it is told of it and before it is written over. */
export class SharedText {
  readonly #storage: ConversationStorage;
  readonly #key: string;
  readonly #state: WrittenState;
  readonly #missing: () => void;
  #unsubscribe: (() => void) | undefined;
  #seen: string | null = null;
  #isMerging = false;

  /** @param missing something of this page has been written over */
  constructor(storage: ConversationStorage, key: string, state: WrittenState, missing: () => void) {
    this.#missing = missing;
    this.#storage = storage;
    this.#key = key;
    this.#state = state;
  }

  /** What changes now comes from another page, which has it written already. */
  get isMerging(): boolean {
    return this.#isMerging;
  }

  /** Listens from now on, and takes what has come since it last did. */
  listen(): void {
    const hear = (text: string | null): void => {
      if (text !== null && text !== this.#seen && this.#take(text)) this.#missing();
    };
    this.#unsubscribe ??= subscribe(this.#storage, this.#key, hear, () => hear(this.#unseen()));
    hear(this.#unseen());
  }

  /** This is written, or was read. */
  see(text: string | null): void {
    this.#seen = text;
  }

  /** Before it is written over; true where another page's text was there. */
  merge(): boolean {
    const text = this.#unseen();
    if (text !== null) this.#take(text);
    return text !== null;
  }

  end(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** What another page has written. Of a storage that answers later, that came when it told of a change. */
  #unseen(): string | null {
    if (this.#unsubscribe === undefined) return null;
    try {
      const text = this.#storage.getItem(this.#key);
      return typeof text === 'string' && text !== this.#seen ? text : null;
    } catch {
      return null; // forbidden since
    }
  }

  #take(text: string): boolean {
    this.#seen = text;
    this.#isMerging = true;
    try {
      return this.#state.merge(text);
    } finally {
      this.#isMerging = false;
    }
  }
}

/** Undefined where nobody else can write. */
function subscribe(
  storage: ConversationStorage,
  key: string,
  changed: (text: string) => void,
  readBack: () => void,
): (() => void) | undefined {
  if (storage.subscribe) return storage.subscribe(key, changed);
  const page = globalThis as { readonly Storage?: new () => unknown } & Partial<StorageEvents>;
  if (page.Storage === undefined || !(storage instanceof page.Storage)) return undefined;
  const listen = (event: StorageEvent): void => {
    const isIts = event.storageArea === storage && event.key === key;
    if (isIts && event.newValue !== null) changed(event.newValue);
  };
  page.addEventListener?.('storage', listen);
  page.addEventListener?.('pageshow', readBack);
  return () => {
    page.removeEventListener?.('storage', listen);
    page.removeEventListener?.('pageshow', readBack);
  };
}
