/** The messages of the conversation on the screen. Follows the newest text, unless the reader has scrolled away. */
import { TurnView } from './turn-view.js';

/** So close to the end counts as the end, px. */
const NEAR_PX = 48;

export class Transcript {
  #scroll;
  #list;
  #toLatest;
  #onRetry;
  #conversation;
  /** Turn → its view. */
  #views = new Map();
  #following = true;

  /**
   * `scroll` is the scrolling element around `list`; `toLatest` a button that appears when the reader is elsewhere;
   * `onRetry()` asks the last question again.
   */
  constructor({ scroll, list, toLatest, onRetry }) {
    this.#scroll = scroll;
    this.#list = list;
    this.#toLatest = toLatest;
    this.#onRetry = onRetry;
    scroll.addEventListener('scroll', () => this.#noticePosition(), { passive: true });
    toLatest.addEventListener('click', () => this.followLatest());
  }

  followLatest() {
    this.#following = true;
    this.#settle();
  }

  update(conversation, linkState) {
    if (conversation !== this.#conversation) this.#show(conversation);
    for (const [turn, view] of this.#views) {
      if (!conversation.turns.includes(turn)) {
        view.root.remove();
        this.#views.delete(turn);
      }
    }
    for (const turn of conversation.turns) {
      this.#viewOf(turn).update(linkState, turn === conversation.turns.at(-1));
    }
    this.#settle();
  }

  #show(conversation) {
    this.#conversation = conversation;
    this.#views.clear();
    this.#list.replaceChildren();
    this.#following = true;
  }

  #viewOf(turn) {
    const known = this.#views.get(turn);
    if (known !== undefined) return known;
    const view = new TurnView(turn, { retry: this.#onRetry });
    this.#views.set(turn, view);
    this.#list.append(view.root);
    return view;
  }

  #noticePosition() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    this.#toLatest.hidden = this.#following;
  }

  #settle() {
    if (this.#following) this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#toLatest.hidden = this.#following;
  }
}
