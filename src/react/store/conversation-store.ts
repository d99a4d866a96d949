/**
 * One conversation: its messages, and the answer that is under way. It goes on whether or not a screen shows it.
 *
 *   idle ──send──► answering ──ended──► idle ──regenerate──► answering
 *                      │
 *                      └──detach──► waiting for reattach: the model goes on, nobody reads
 */
import { failure } from '../../client/dash-error.ts';
import type { DashClient, DashStream, Phase, Position } from '../../client/index.ts';
import { mintStreamId } from '../../client/platform.ts';
import { type AnswerState, followAnswer, isUnderWay, type LiveAnswer, NO_ANSWER } from './answer-state.ts';
import type { ConversationRecord } from './conversation-record.ts';
import { DraftStore } from './draft-store.ts';
import { FramedStore } from './framed-store.ts';
import type { Frames } from './frames.ts';
import {
  type AnswerMessage,
  type AskOptions,
  type ChatMessage,
  historyOf,
  isBlank,
  titleOf,
} from './messages.ts';

/** What a list shows of a conversation. */
export interface ConversationSummary {
  readonly id: string;
  /** The first question; '' before it. */
  readonly title: string;
  /** Of the last answer; `idle` before the first. */
  readonly status: Phase;
  readonly isAnswering: boolean;
  /** An answer ended while nobody looked. */
  readonly unread: boolean;
  /** When the last question was asked, Unix ms; 0 before the first. */
  readonly askedAt: number;
}

export interface ConversationSnapshot extends ConversationSummary {
  readonly messages: readonly ChatMessage[];
}

export interface ConversationHost {
  readonly client: DashClient;
  readonly frames: Frames;
  /** How many messages the model is told, the new one included. */
  readonly historyMessages: number;
  /** Unix ms. */
  now(): number;
  /** `text`: more of an answer, or of what is typed. `state`: anything else. */
  changed(what: 'text' | 'state'): void;
}

export class ConversationStore extends FramedStore<ConversationSnapshot> {
  readonly id: string;
  readonly draft: DraftStore;
  readonly #host: ConversationHost;
  /** All but the answer that is under way. */
  #messages: readonly ChatMessage[] = [];
  #live: LiveAnswer | undefined;
  /** Of the last answer, which is under way but not followed. */
  #waiting: Position | undefined;
  #asked: AskOptions | undefined;
  /** The last question was one of before, asked again. */
  #isRepeated = false;
  #title = '';
  #askedAt = 0;
  #unread = false;
  #views = 0;

  constructor(id: string, host: ConversationHost) {
    super(host.frames, EMPTY(id));
    this.id = id;
    this.#host = host;
    this.draft = new DraftStore(host.frames, () => host.changed('text'));
  }

  /** Asks; false where there is nothing to ask, or an answer is under way. */
  send(text: string, options: AskOptions): boolean {
    const content = text.trim();
    if (isBlank(content) || this.#isAnswering) return false;
    this.#messages = [...this.#messages, { role: 'user', id: mintStreamId(), content }];
    this.#isRepeated = false;
    this.#ask(options);
    return true;
  }

  /** Asks the last question again and forgets its answer; false where there is none, or it is under way. */
  regenerate(): boolean {
    const last = this.#messages.findLastIndex(({ role }) => role === 'user');
    if (last < 0 || this.#asked === undefined || this.#isAnswering) return false;
    this.#messages = this.#messages.slice(0, last + 1);
    this.#isRepeated = true;
    this.#ask(this.#asked);
    return true;
  }

  /** Stops the model; what has arrived stays. */
  stop(): void {
    if (this.#live === undefined) return;
    void this.#live.stream.cancel().catch(() => {}); // shown as the status
    this.#publishState();
  }

  /** Empties it; an answer that is under way is stopped. */
  forget(): void {
    if (this.#live) {
      const { stream } = this.#live;
      void stream.cancel().catch(() => {});
      this.#live.ignore();
    }
    this.#live = undefined;
    this.#waiting = undefined;
    this.#asked = undefined;
    this.#title = '';
    this.#messages = [];
    this.#askedAt = 0;
    this.#unread = false;
    this.draft.write('');
    this.publish();
  }

  /**
   * Forgets what was its user's, without stopping the model. True where the next user has asked something here: who that
   * is was known only by the question, which did not leave yet, and is asked anew without what was said before it.
   */
  passOn(): boolean {
    const isAsked = this.#live !== undefined && isUnderWay(this.#live.stream.phase) && !this.#isRepeated;
    const question = isAsked ? this.#messages.at(-1) : undefined;
    const asked = this.#asked;
    this.detach();
    this.forget();
    return question !== undefined && asked !== undefined && this.send(question.content, asked);
  }

  /** Somebody looks at it, until the function it returns is called. */
  view(): () => void {
    this.#views += 1;
    if (this.#unread) {
      this.#unread = false;
      this.#publishState();
    }
    return () => {
      this.#views -= 1;
    };
  }

  /** Stops following without stopping the model. */
  detach(): void {
    if (this.#live === undefined) return;
    const last = messageOf(this.#live);
    this.#waiting = this.#live.detach();
    this.#live = undefined;
    this.#messages = [...this.#messages, last];
  }

  /** Goes on where `detach`, or an earlier page, left off. */
  reattach(): void {
    const { id, epoch, after } = this.#waiting ?? NOWHERE;
    this.#waiting = undefined;
    const last = this.#messages.at(-1);
    if (last?.role !== 'assistant' || !isUnderWay(last.status)) return;
    this.#messages = this.#messages.slice(0, -1);
    if (epoch === undefined) {
      // The relay had not answered yet: what became of the question is not known, and it may not be asked twice.
      this.#end(last.id, interrupted(last));
    } else {
      this.#follow(this.#host.client.attach(id, epoch, after, { content: last.content }));
    }
  }

  record(): ConversationRecord {
    const { id, messages, unread, askedAt } = this.compose();
    const position = this.#live?.stream.position ?? this.#waiting;
    const draft = this.draft.getSnapshot();
    return { id, messages, unread, askedAt, position, asked: this.#asked, draft };
  }

  /** What was said earlier stands before what was asked while it was being read. */
  restore({ messages, asked, position, unread, askedAt, draft }: ConversationRecord): void {
    this.draft.prepend(draft);
    if (this.#messages.length > 0 || this.#live) {
      this.#messages = [...messages.map(interrupted), ...this.#messages];
      this.#title = '';
      this.publish();
      return;
    }
    this.#messages = messages;
    this.#asked = asked;
    this.#waiting = position;
    this.#unread = unread && this.#views === 0;
    this.#askedAt = askedAt;
    this.publish();
  }

  /** As it is now, also where no frame has shown it yet. */
  summary(): ConversationSummary {
    const last = this.#messages.at(-1);
    const status = this.#live?.stream.phase ?? (last?.role === 'assistant' ? last.status : 'idle');
    this.#title ||= titleOf(this.#messages);
    return {
      id: this.id,
      title: this.#title,
      status,
      isAnswering: isUnderWay(status),
      unread: this.#unread,
      askedAt: this.#askedAt,
    };
  }

  protected override compose(): ConversationSnapshot {
    const messages = this.#live ? [...this.#messages, messageOf(this.#live)] : this.#messages;
    return { ...this.summary(), messages };
  }

  get #isAnswering(): boolean {
    return this.#live !== undefined || this.#waiting !== undefined;
  }

  #ask(options: AskOptions): void {
    const { client, historyMessages, now } = this.#host;
    this.#asked = options;
    this.#askedAt = now();
    const messages = historyOf(this.#messages, historyMessages);
    this.#follow(client.stream({ ...options, messages }));
    this.#publishState();
  }

  #follow(stream: DashStream): void {
    this.#live = followAnswer(stream, {
      onText: () => {
        this.changed();
        this.#host.changed('text');
      },
      onPhase: () => {
        this.changed();
        this.#host.changed('state');
      },
      onEnd: (last) => {
        this.#live = undefined;
        this.#end(stream.id, last);
      },
    });
  }

  #end(id: string, last: AnswerState): void {
    this.#messages = [...this.#messages, { role: 'assistant', id, ...last }];
    this.#unread = this.#views === 0;
    this.changed();
    this.#host.changed('state');
  }

  #publishState(): void {
    this.publish();
    this.#host.changed('state');
  }
}

/** An answer that was under way and is not followed any more; anything else as it is. */
function interrupted<M extends ChatMessage>(message: M): M {
  if (message.role === 'user' || !isUnderWay(message.status)) return message;
  const { isThinking, thought, tool } = NO_ANSWER;
  return { ...message, status: 'failed', isThinking, thought, tool, error: failure('interrupted', true) };
}

const NOWHERE: Position = { id: '', epoch: undefined, after: 0 };

const EMPTY = (id: string): ConversationSnapshot => ({
  id,
  title: '',
  messages: [],
  status: NO_ANSWER.status,
  isAnswering: false,
  unread: false,
  askedAt: 0,
});

function messageOf(live: LiveAnswer): AnswerMessage {
  return { role: 'assistant', id: live.stream.id, ...live.read() };
}
