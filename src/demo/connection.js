/**
 * All runs over one link, by `dash-relay.v1`: whenever the link opens, every unended run is brought back to exactly
 * where it was. Owns which runs are followed; what a run holds is the run's own affair.
 */
import { Acknowledger } from './acknowledger.js';
import { Link } from './link.js';
import { Run } from './run.js';

export class Connection {
  /** Times a run went on after a lost connection. */
  resumes = 0;
  #onChange;
  #runs = new Map();
  #link;
  #acks = new Acknowledger((frame) => this.#link.send(frame));
  /** The relay's `going_away`, until the link leaves. */
  #goingAway;

  /** `url` of the socket, `tokens` as in tokens.js; `onChange()` after every change of the connection. */
  constructor({ url, tokens, onChange }) {
    this.#onChange = onChange;
    const events = {
      changed: () => onChange(),
      opened: () => this.#followAll(),
      frame: (frame) => this.#handlers[frame.type]?.(frame, this.#runs.get(frame.id)),
      left: () => this.#left(),
      stopped: (code) => this.#settleAll(code),
      hint: () => this.#goingAway?.reconnectAfterMs ?? 0,
    };
    this.#link = new Link({ url, tokens, events });
  }

  /** { state, reason, hello } of the link. */
  get link() {
    return this.#link;
  }

  get liveRuns() {
    return this.#runs.size;
  }

  /** Asks now, or as soon as there is a connection. `onChange(run)` after every change of the run. */
  start(request, onChange) {
    const run = new Run(request, onChange);
    this.#runs.set(run.id, run);
    if (this.#link.state === 'stopped') this.#settleAll(this.#link.reason);
    else if (this.#link.state === 'online') this.#follow(run);
    return run;
  }

  cancel(run) {
    if (run.ended || run.stopRequested) return;
    run.requestStop();
    if (run.sent) this.#link.send({ type: 'cancel', id: run.id });
    else this.#settle(run, { type: 'cancelled' });
  }

  /** By frame type, with the unended run it names. What is not here is ignored. */
  #handlers = {
    accepted: (frame, run) => run?.followed(frame),
    resumed: (frame, run) => run && this.#resumed(frame, run),
    chunk: (frame, run) => run && this.#chunk(frame, run),
    done: (frame, run) => run && this.#ending(frame, run),
    cancelled: (frame, run) => run && this.#ending(frame, run),
    error: (frame, run) => run && this.#error(frame, run),
    going_away: (frame) => this.#prepareToMove(frame),
  };

  #followAll() {
    for (const run of this.#runs.values()) {
      this.#follow(run);
      if (run.stopRequested) this.#link.send({ type: 'cancel', id: run.id });
    }
  }

  #follow(run) {
    this.#link.send(run.followFrame());
  }

  #left() {
    this.#acks.reset();
    this.#goingAway = undefined;
    for (const run of this.#runs.values()) run.unfollow();
  }

  #resumed(frame, run) {
    this.resumes += 1;
    run.followed(frame);
    this.#onChange();
  }

  #chunk(frame, run) {
    const outcome = run.chunk(frame);
    if (outcome === 'taken') this.#acks.held(run);
    else if (outcome === 'gap') this.#follow(run);
  }

  #ending(frame, run) {
    if (run.end(frame) === 'gap') this.#follow(run);
    else this.#forget(run);
  }

  /** Without `of` it is an ending; otherwise it answers a frame of ours. */
  #error(frame, run) {
    if (frame.of === undefined) this.#ending(frame, run);
    // A machine that stops takes no new streams: the run stays, and starts where we go next.
    else if (frame.of === 'start' && frame.code === 'shutting_down') this.#moveOnceIdle();
    else if (frame.of === 'start') this.#settle(run, frame);
    else if (frame.of === 'resume') this.#settle(run, { ...frame, retryable: true });
    else if (frame.of === 'cancel') this.#settle(run, { type: 'cancelled' });
  }

  #settle(run, ending) {
    run.settle(ending);
    this.#forget(run);
  }

  #settleAll(code) {
    for (const run of [...this.#runs.values()]) this.#settle(run, { type: 'error', code, retryable: true });
  }

  #forget(run) {
    this.#runs.delete(run.id);
    this.#moveOnceIdle();
    this.#onChange();
  }

  #prepareToMove(frame) {
    this.#goingAway = frame;
    if (frame.resume === 'here') return this.#moveOnceIdle();
    setTimeout(() => {
      if (this.#goingAway === frame) this.#link.leaveFor(0);
    }, frame.reconnectAfterMs);
  }

  /** `going_away` with "here": stay until the streams end, then come back. */
  #moveOnceIdle() {
    if (this.#goingAway?.resume !== 'here') return;
    const streaming = [...this.#runs.values()].some((run) => run.phase === 'open');
    if (!streaming) this.#link.leaveFor(this.#goingAway.reconnectAfterMs);
  }
}
