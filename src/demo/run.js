/**
 * The client's side of one stream, without any I/O: what is held of it, and which frame may come next.
 *
 *   asked ──accepted/resumed──► open ──done/cancelled/error──► ended
 *
 * `following` is false from the moment a start or resume is sent until it is answered: what arrives in between was
 * sent before, and is not the answer.
 */
import { Pace } from './pace.js';

const ID_BYTES = 18;

export class Run {
  id = randomId();
  phase = 'asked';
  epoch;
  model;
  /** Seq of the last delta held. */
  seq = 0;
  text = '';
  /** The ending frame; or one made here, where the relay had none to give. */
  ending;
  following = false;
  /** Whether `start` was ever sent: from then on the relay may have a run to stop. */
  sent = false;
  stopRequested = false;
  firstTextMs;
  pace = new Pace();
  #onChange;
  #askedAt = performance.now();

  /** `request`: the fields of `start` but its id. `onChange(run)` is called after every change. */
  constructor(request, onChange) {
    this.request = request;
    this.#onChange = onChange;
  }

  get ended() {
    return this.phase === 'ended';
  }

  /** The frame that follows this run on a new connection: exact where it left, or from the beginning. */
  followFrame() {
    this.following = false;
    this.sent = true;
    if (this.epoch === undefined) return { type: 'start', id: this.id, ...this.request };
    return { type: 'resume', id: this.id, epoch: this.epoch, after: this.seq };
  }

  /** The connection is gone: what it may still deliver does not count. */
  unfollow() {
    this.following = false;
    this.#onChange(this);
  }

  /** The relay answered `accepted` or `resumed`: what comes now is the answer. */
  followed({ epoch, model }) {
    this.epoch = epoch;
    this.model = model;
    this.following = true;
    this.phase = 'open';
    this.#onChange(this);
  }

  /** `taken`, `held` already, or `gap`: something is missing before it and a resume is due. */
  chunk({ seq, count = 1, content }) {
    if (!this.following || this.ended || seq <= this.seq) return 'held';
    if (seq - count !== this.seq) return 'gap';
    const now = performance.now();
    this.firstTextMs ??= now - this.#askedAt;
    this.pace.add(count, now);
    this.seq = seq;
    this.text += content;
    this.#onChange(this);
    return 'taken';
  }

  /** The ending carries the head: text that is not held by then has been missed. */
  end(frame) {
    if (this.ended) return 'held';
    if ((frame.seq ?? this.seq) > this.seq) return 'gap';
    this.settle(frame);
    return 'taken';
  }

  /** Ends without asking for a number: for refusals, and where nothing can be had any more. */
  settle(ending) {
    if (this.ended) return;
    this.ending = ending;
    this.phase = 'ended';
    this.#onChange(this);
  }

  requestStop() {
    this.stopRequested = true;
    this.#onChange(this);
  }

  /** Whether the text held is as long as the relay says; undefined while that is not known. */
  get complete() {
    return this.ending?.textLength === undefined ? undefined : this.ending.textLength === this.text.length;
  }
}

/** `crypto.randomUUID` needs a secure context, `getRandomValues` does not. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}
