/**
 * One conversation: its messages, and the answer that is under way. It goes on whether or not a screen shows it.
 *
 *   idle ──send──► answering ──ended──► idle ──regenerate──► answering
 *                      │
 *                      └──detach──► waiting for reattach: the model goes on, nobody reads
 */
import { failure } from '../../client/dash-error.ts';
import type { DashClient, DashStream, ListedStream, Phase, Position } from '../../client/index.ts';
import { mintStreamId } from '../../client/platform.ts';
import { type AnswerState, followAnswer, isUnderWay, type LiveAnswer, NO_ANSWER } from './answer-state.ts';
import { AttachedStore } from './attached-store.ts';
import type { Attachments } from './attachments.ts';
import type { ConversationRecord } from './conversation-record.ts';
import { excerptOf, matches } from './conversation-search.ts';
import { DraftStore } from './draft-store.ts';
import { FramedStore } from './framed-store.ts';
import type { Frames } from './frames.ts';
import { MessageTree, type Variants } from './message-tree.ts';
import {
  type AnswerMessage,
  type AskOptions,
  attachmentsOf,
  type ChatMessage,
  endedAs,
  finality,
  furtherOf,
  historyOf,
  isBlank,
  isBrokenOff,
  isOpen,
  type QuestionMessage,
  titleOf,
} from './messages.ts';
import { filesIn, streamWithUploads } from './uploading-stream.ts';

/** What a list shows of a conversation. */
export interface ConversationSummary {
  readonly id: string;
  /** The name that a person gave it, else the first question; '' before it. */
  readonly title: string;
  /** Of the answer under way, else of the last one; `idle` before the first. */
  readonly status: Phase;
  readonly isAnswering: boolean;
  /** An answer ended while nobody looked. */
  readonly unread: boolean;
  /** When the last question was asked, Unix ms; 0 before the first. */
  readonly askedAt: number;
}

export interface ConversationSnapshot extends ConversationSummary {
  /** What is shown: of each question and answer one variant. */
  readonly messages: readonly ChatMessage[];
  /** Of the messages that have some. */
  readonly variants: Variants;
}

export interface ConversationHost {
  readonly client: DashClient;
  readonly frames: Frames;
  /** The files of all conversations. */
  readonly attachments: Attachments;
  /** How many messages the model is told, the new one included. */
  readonly historyMessages: number;
  /** Unix ms. */
  now(): number;
  /** `text`: more of an answer, or of what is typed. `state`: anything else. */
  changed(what: 'text' | 'state'): void;
  /** A file was taken out: it may be that nobody has it any more. */
  filesRemoved(): void;
}

export class ConversationStore extends FramedStore<ConversationSnapshot> {
  readonly id: string;
  readonly draft: DraftStore;
  /** What goes with the next question. */
  readonly attached: AttachedStore;
  readonly #host: ConversationHost;
  #tree = new MessageTree();
  /** Ids of answers without words whose question was asked again. */
  readonly #removed = new Set<string>();
  #live: LiveAnswer | undefined;
  /** Of the answer that is under way but not followed. */
  #waiting: Position | undefined;
  #asked: AskOptions | undefined;
  /**
   * What is under way was not just typed anew: somebody else may have typed it. Or photos go with it: then the relay knew by
   * whom it was asked.
   */
  #isRepeated = false;
  #name = '';
  #title = '';
  #askedAt = 0;
  #unread = false;
  #views = 0;

  constructor(id: string, host: ConversationHost) {
    super(host.frames, EMPTY(id));
    this.id = id;
    this.#host = host;
    this.draft = new DraftStore(host.frames, () => host.changed('text'));
    this.attached = new AttachedStore(host.attachments, host.frames, () => host.filesRemoved());
  }

  /** Asks, with what is attached; false where there is nothing to ask, an answer is under way, or a file is not ready. */
  send(text: string, options: AskOptions): boolean {
    const question = this.#questionOf(text);
    const attachments = question && this.attached.take();
    if (question === undefined || attachments === undefined) return false;
    this.#tree.append(attachments.length > 0 ? { ...question, attachments } : question);
    this.#ask(options, false);
    return true;
  }

  /**
   * Asks another question instead of the one with that id, and goes on from there: the older one is kept as a variant, with
   * all that followed. What was attached to it goes with the new one. False where there is no such question, nothing to ask, or an answer is under way.
   */
  edit(id: string, text: string, options: AskOptions): boolean {
    const question = this.#questionOf(text);
    const before = this.#tree.path.find((message) => message.id === id);
    if (question === undefined || before?.role !== 'user') return false;
    const { attachments } = before;
    this.#tree.appendBeside(id, attachments ? { ...question, attachments } : question);
    this.#title = '';
    this.#ask(options, true);
    return true;
  }

  /**
   * Asks the last question again. Its answer is kept as a variant if it has words. False where there is none, or it is
   * under way.
   */
  regenerate(): boolean {
    const question = this.#tree.path.findLast(({ role }) => role === 'user');
    if (question === undefined || this.#asked === undefined || this.#isAnswering) return false;
    const answer = this.#tree.path.at(-1);
    if (answer?.role === 'assistant' && isBlank(answer.content)) this.#removeEnd();
    else this.#tree.endAt(question.id);
    this.#ask(this.#asked, true);
    return true;
  }

  /**
   * Asks by `prompt` for the rest of an answer that was stopped, broke off or reached its longest length, as a turn of its
   * own: models of today go on with no answer that is put into their mouth. False where there is no such answer at the end.
   */
  continueAnswer(prompt: string, options: AskOptions): boolean {
    const answer = this.#tree.path.at(-1);
    const question = this.#questionOf(prompt);
    if (question === undefined || answer?.role !== 'assistant' || !isBrokenOff(answer)) return false;
    this.#tree.append({ ...question, continues: true });
    this.#ask(options, true);
    return true;
  }

  /** Reads an answer from its beginning that was asked for elsewhere: its question is not known. For an empty conversation. */
  adopt({ id, epoch, startedAt }: Pick<ListedStream, 'id' | 'epoch' | 'startedAt'>, name: string): void {
    this.#name = name;
    this.#askedAt = startedAt;
    this.#tree.append(messageOf(this.#follow(this.#host.client.attach(id, epoch, 0))));
    this.#publishState();
  }

  /** Whether that answer is one of its own, shown or not. */
  hasAnswer(id: string): boolean {
    return this.#tree.messages.some((message) => message.id === id);
  }

  /** Shows that variant of a message, and what followed on it; false where there is none. An answer under way goes on. */
  showVariant(id: string): boolean {
    const isShown = this.#tree.show(id);
    this.#title = '';
    if (isShown) this.#publishState();
    return isShown;
  }

  /** Gives it a name; '' has it called by its first question again. */
  rename(name: string): void {
    this.#name = name.trim().replaceAll(/\s+/g, ' ');
    this.#publishState();
  }

  /** Stops the model; what has arrived stays. Of an answer that only another page reads yet, it lets go: that page may be gone. */
  stop(): void {
    const last = this.#tree.path.at(-1);
    if (this.#live)
      void this.#live.stream.cancel().catch(() => {}); // shown as the status
    else if (last && isOpen(last)) this.#tree.replace(last.id, interrupted(last));
    else return;
    this.#publishState();
  }

  /** Empties it; an answer that is under way is stopped. */
  forget(): void {
    if (this.#live) {
      const { stream } = this.#live;
      this.#live.ignore();
      void stream.cancel().catch(() => {});
    }
    this.#live = undefined;
    this.#waiting = undefined;
    this.#asked = undefined;
    this.#name = '';
    this.#title = '';
    this.#tree = new MessageTree();
    this.#askedAt = 0;
    this.#unread = false;
    this.draft.write('');
    this.attached.clear();
    this.publish();
  }

  /** Whether something is typed or attached, and not sent. */
  hasDraft(): boolean {
    return this.draft.getSnapshot() !== '' || this.attached.getSnapshot().length > 0;
  }

  moveDraftTo(other: ConversationStore): void {
    this.draft.moveTo(other.draft);
    this.attached.moveTo(other.attached);
  }

  /** Ids of the files that belong to it, in all variants and in what is not sent yet. */
  fileIds(): string[] {
    const files = [...this.#tree.messages.flatMap(attachmentsOf), ...this.attached.getSnapshot()];
    return files.map(({ id }) => id);
  }

  /**
   * Forgets what was its user's, without stopping the model. True where the next user has asked something here: who that
   * is was known only by the question, which did not leave yet, and is asked anew without what was said before it.
   */
  passOn(): boolean {
    const isAsked = this.#live !== undefined && isUnderWay(this.#live.stream.phase) && !this.#isRepeated;
    const question = isAsked ? this.#tree.before(this.#live?.stream.id ?? '') : undefined;
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
    this.#readLive();
    this.#waiting = this.#live.detach();
    this.#live = undefined;
  }

  /** Goes on where `detach`, or an earlier page, left off. */
  reattach(): void {
    const { id, epoch, after } = this.#waiting ?? NOWHERE;
    this.#waiting = undefined;
    const open = this.#tree.messages.filter(isOpen);
    const answer = open.find((each) => each.id === id) ?? open.at(-1);
    if (answer === undefined) return;
    if (epoch === undefined) {
      // The relay had not answered yet: what became of the question is not known, and it may not be asked twice.
      this.#end(answer.id, interrupted(answer));
    } else {
      const live = this.#follow(this.#host.client.attach(id, epoch, after, { content: answer.content }));
      this.#tree.replace(answer.id, messageOf(live));
    }
  }

  record(): ConversationRecord {
    this.#readLive();
    const { id, unread, askedAt } = this.summary();
    return {
      id,
      unread,
      askedAt,
      ...this.#tree.branches(),
      name: this.#name,
      position: this.#live?.stream.position ?? this.#waiting,
      asked: this.#asked,
      draft: this.draft.getSnapshot(),
    };
  }

  /** What was said earlier stands before what was asked while it was being read. */
  restore({ asked, position, unread, askedAt, draft, name, ...kept }: ConversationRecord): void {
    this.draft.prepend(draft);
    this.#name ||= name;
    const isBegun = this.#tree.path.length > 0;
    const last = kept.messages.findLastIndex(isOpen);
    const goesOn = (at: number): boolean => !isBegun && at === last;
    const messages = kept.messages.map((message, at) => (goesOn(at) ? message : interrupted(message)));
    this.#tree.prepend({ ...kept, messages });
    this.#title = '';
    if (!isBegun) {
      this.#asked = asked;
      this.#waiting = position;
      this.#unread = unread && this.#views === 0;
      this.#askedAt = askedAt;
    }
    this.publish();
  }

  /**
   * Takes in what another page has: what both said stays, as variants where they said it at the same place. `seen` is what that page
   * began with, null where that was nothing; undefined where it had not seen the latest of this one, so that it only adds. An answer
   * that is under way there is read here as well, once `reattach` says so.
   */
  merge(other: ConversationRecord, seen: ConversationRecord | null | undefined): void {
    this.#readLive();
    if (other.messages.some((each) => each.id === this.#live?.stream.id && finality(each) > 1)) this.#letGo();
    const shown = this.#tree.path.at(-1);
    const isFollowing = seen !== undefined && !this.#isFollowed && shown?.id === endOf(seen)?.id;
    // An answer that failed without words goes where its question is asked again.
    if (isFollowing && shown && !other.messages.some(({ id }) => id === shown.id)) this.#removeEnd();
    this.#tree.merge(other, (mine, theirs) => {
      if (mine === undefined) return this.#removed.has(theirs.id) ? undefined : theirs;
      return mine.id === this.#live?.stream.id ? mine : furtherOf(mine, theirs);
    });
    if (isFollowing) this.#tree.show(endOf(other)?.id ?? '');
    if (seen !== undefined) this.#mirror(other, seen);
    if (other.askedAt > this.#askedAt) {
      this.#askedAt = other.askedAt;
      this.#asked = other.asked;
    }
    this.#awaitAnswer(other.position);
    this.#title = '';
    this.publish();
  }

  /** Whether all that was said here is there, under the same name. */
  isIn(record: ConversationRecord): boolean {
    if (record.name !== this.#name) return false;
    const [own, there] = [this.#tree.messages, record.messages];
    if (own.every(({ id }, at) => id === there[at]?.id)) return true; // as it is mostly, and sooner known
    const ids = new Set(there.map(({ id }) => id));
    return own.every(({ id }) => ids.has(id));
  }

  /** Another page has read the answer to its end. */
  #letGo(): void {
    this.#live?.detach();
    this.#live = undefined;
  }

  /** Whether an answer is under way that `reattach` would follow. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Whether each word of `query` stands in its title or in a variant of what was said. */
  matches(query: string): boolean {
    return matches(query, this.summary().title, this.#tree.messages);
  }

  /** Where in what was said a word of `query` stands; undefined where they all stand in the title. */
  excerpt(query: string): string | undefined {
    return excerptOf(query, this.summary().title, this.#tree.messages);
  }

  /** As it is now, also where no frame has shown it yet. */
  summary(): ConversationSummary {
    const last = this.#tree.path.at(-1);
    const status = this.#live?.stream.phase ?? (last?.role === 'assistant' ? last.status : 'idle');
    this.#title ||= titleOf(this.#tree.path);
    return {
      id: this.id,
      title: this.#name || this.#title,
      status,
      isAnswering: isUnderWay(status),
      unread: this.#unread,
      askedAt: this.#askedAt,
    };
  }

  protected override compose(): ConversationSnapshot {
    this.#readLive();
    return { ...this.summary(), messages: this.#tree.path, variants: this.#tree.variants };
  }

  get #isFollowed(): boolean {
    return this.#live !== undefined || this.#waiting !== undefined;
  }

  /** Also where the answer is another page's, and nobody else can read it yet. */
  get #isAnswering(): boolean {
    const last = this.#tree.path.at(-1);
    return this.#isFollowed || (last !== undefined && isOpen(last));
  }

  /** Undefined where nothing can be asked now. */
  #questionOf(text: string): QuestionMessage | undefined {
    const content = text.trim();
    if (isBlank(content) || this.#isAnswering) return undefined;
    return { role: 'user', id: mintStreamId(), content };
  }

  #ask(options: AskOptions, isRepeated: boolean): void {
    const { client, attachments, historyMessages, now } = this.#host;
    this.#asked = options;
    this.#askedAt = now();
    const messages = historyOf(this.#tree.path, historyMessages, attachments.isHeld);
    this.#isRepeated = isRepeated || filesIn(messages).length > 0;
    const stream = streamWithUploads(client, attachments, { ...options, messages });
    this.#tree.append(messageOf(this.#follow(stream)));
    this.#publishState();
  }

  #follow(stream: DashStream): LiveAnswer {
    const live = followAnswer(stream, {
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
    this.#live = live;
    return live;
  }

  /** What has arrived of the answer under way. */
  #readLive(): void {
    if (this.#live) this.#tree.replace(this.#live.stream.id, messageOf(this.#live));
  }

  #end(id: string, last: AnswerState): void {
    this.#tree.replace(id, { role: 'assistant', id, ...last });
    this.#unread = this.#views === 0;
    this.changed();
    this.#host.changed('state');
  }

  /** What a person did to it on another page, and not on this one. */
  #mirror({ name, unread, draft }: ConversationRecord, seen: ConversationRecord | null): void {
    if (name !== (seen?.name ?? '')) this.#name = name;
    if (unread !== (seen?.unread ?? false)) this.#unread = unread && this.#views === 0;
    if (this.#views === 0 && this.draft.getSnapshot() === (seen?.draft ?? '')) this.draft.write(draft);
  }

  #awaitAnswer(position: Position | undefined): void {
    if (this.#isFollowed || position?.epoch === undefined) return;
    if (this.#tree.messages.some((each) => isOpen(each) && each.id === position.id)) this.#waiting = position;
  }

  #removeEnd(): void {
    const gone = this.#tree.path.at(-1);
    if (gone) this.#removed.add(gone.id);
    this.#tree.removeEnd();
  }

  #publishState(): void {
    this.publish();
    this.#host.changed('state');
  }
}

function interrupted<M extends ChatMessage>(message: M): M {
  return endedAs(message, { status: 'failed', error: failure('interrupted', true) });
}

function endOf(record: ConversationRecord | null): ChatMessage | undefined {
  return record?.messages[record.end];
}

const NOWHERE: Position = { id: '', epoch: undefined, after: 0 };

const EMPTY = (id: string): ConversationSnapshot => ({
  id,
  title: '',
  messages: [],
  variants: {},
  status: NO_ANSWER.status,
  isAnswering: false,
  unread: false,
  askedAt: 0,
});

function messageOf(live: LiveAnswer): AnswerMessage {
  return { role: 'assistant', id: live.stream.id, ...live.read() };
}
