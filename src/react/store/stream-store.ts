/** One stream at a time, for a screen that shows a single answer. Keeps nothing beyond the page. */
import type { DashClient, DashStream, StreamRequest } from '../../client/index.ts';
import { type AnswerState, followAnswer, isUnderWay, type LiveAnswer, NO_ANSWER } from './answer-state.ts';
import { FramedStore } from './framed-store.ts';
import type { Frames } from './frames.ts';

export class StreamStore extends FramedStore<AnswerState> {
  readonly #client: DashClient;
  #request: StreamRequest | undefined;
  #live: LiveAnswer | undefined;
  /** What is asked is what was asked before. */
  #isRepeated = false;
  #last = NO_ANSWER;
  #userId: string | null | undefined;

  constructor(client: DashClient, frames: Frames) {
    super(frames, NO_ANSWER);
    this.#client = client;
  }

  /** Asks the model. A stream that is under way is stopped first. */
  start(request: StreamRequest): DashStream {
    this.stop();
    this.#isRepeated = request === this.#request;
    this.#request = request;
    const stream = this.#client.stream(request);
    const live = followAnswer(stream, {
      onText: () => this.changed(),
      onPhase: () => this.changed(),
      onEnd: (last) => {
        if (this.#live !== live) return; // of one that another has replaced
        this.#last = last;
        this.#live = undefined;
        this.changed();
      },
    });
    this.#live = live;
    this.publish();
    return stream;
  }

  /** Stops the model; the text stays. */
  stop(): void {
    if (this.#live === undefined) return;
    void this.#live.stream.cancel().catch(() => {}); // shown as the status
    this.publish();
  }

  /** Asks the same again. Undefined where nothing was asked yet. */
  regenerate(): DashStream | undefined {
    return this.#request && this.start(this.#request);
  }

  /** Whose the answer is. That of a user who left is forgotten, not what the next one has just asked. */
  belongTo(userId: string | null, signedOut: boolean): void {
    const isLeft = signedOut || (this.#userId && userId !== this.#userId);
    this.#userId = userId;
    if (!isLeft) return;
    this.#last = NO_ANSWER;
    if (this.#isRepeated || !isUnderWay(this.#live?.stream.phase ?? 'idle')) {
      this.#live?.detach();
      this.#live = undefined;
      this.#request = undefined;
    }
    this.publish();
  }

  protected override compose(): AnswerState {
    return this.#live?.read() ?? this.#last;
  }
}
