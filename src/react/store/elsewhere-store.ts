/**
 * Answers of the user's that this page has not asked for: live ones, and the latest that ended. It holds a listing of each, no text;
 * opened, one becomes a conversation of its own. Nothing is heard of while it is closed.
 */
import type { DashClient, ListedStream } from '../../client/index.ts';
import type { Conversations } from './conversations.ts';
import { FramedStore } from './framed-store.ts';
import type { Frames } from './frames.ts';

/** Ended ones that are shown: what somebody would look for. */
const MOST_ENDED = 5;
const NONE: readonly ListedStream[] = [];

export class ElsewhereStore extends FramedStore<readonly ListedStream[]> {
  readonly #client: Pick<DashClient, 'watch'>;
  readonly #conversations: Conversations;
  #listed = NONE;
  #action = '';
  /** Of this page, once and for all: one that was deleted here does not come back as somebody else's. */
  readonly #own = new Set<string>();

  constructor(client: Pick<DashClient, 'watch'>, conversations: Conversations, frames: Frames) {
    super(frames, NONE);
    this.#client = client;
    this.#conversations = conversations;
  }

  /** Listens until the function it returns is called. `action`: whose answers are shown. */
  listen(action: string): () => void {
    this.#action = action;
    const unsubscribe = this.#conversations.subscribe(() => this.changed());
    const unwatch = this.#client.watch((streams) => {
      this.#listed = streams;
      this.changed();
    });
    return () => {
      unwatch();
      unsubscribe();
      this.#listed = NONE;
      this.publish();
    };
  }

  protected override compose(before: readonly ListedStream[]): readonly ListedStream[] {
    if (!this.#conversations.getSnapshot().isRestored) return before; // what is kept may be of this device
    for (const { id } of this.#listed) if (this.#conversations.hasAnswer(id)) this.#own.add(id);
    const others = this.#listed.filter(({ id, action }) => action === this.#action && !this.#own.has(id));
    const live = others.filter(({ state }) => state === 'live');
    const ended = others.filter(({ state, textLength }) => state === 'ended' && textLength > 0);
    const next = [...live, ...ended.slice(0, MOST_ENDED)];
    const isSame = next.length === before.length && next.every((stream, at) => stream === before[at]);
    return isSame ? before : next;
  }
}
