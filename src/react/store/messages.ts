/** What a conversation consists of, and what of it the model is told. */
import type { Message, MessageBlock, StreamRequest } from '../../client/index.ts';
import { utf8Length } from '../../client/platform.ts';
import { type AnswerState, isUnderWay, NO_ANSWER } from './answer-state.ts';
import type { Attachment } from './attachment.ts';

export interface QuestionMessage {
  readonly role: 'user';
  readonly id: string;
  readonly content: string;
  /** What goes with it; undefined where nothing does. */
  readonly attachments?: readonly Attachment[] | undefined;
  /** It asks for the rest of the answer before it: screens need not show it as a question. */
  readonly continues?: true | undefined;
}

export interface AnswerMessage extends AnswerState {
  readonly role: 'assistant';
  /** The stream's. */
  readonly id: string;
}

export type ChatMessage = QuestionMessage | AnswerMessage;

/** What is asked for beside the messages. */
export type AskOptions = Omit<StreamRequest, 'messages' | 'events' | 'onDisconnect'>;

const TITLE_LENGTH = 60;

/** The first question, cut between words; '' before it. */
export function titleOf(messages: readonly ChatMessage[]): string {
  const line = messages[0]?.content.trim().replaceAll(/\s+/g, ' ') ?? '';
  if (line.length <= TITLE_LENGTH) return line;
  const cut = line.slice(0, TITLE_LENGTH).replace(/[\ud800-\udbff]$/, ''); // half a character
  return `${cut.replace(/\s+\S*$/, '')}…`;
}

/** Whether there is nothing to be read in it: the Messages API refuses such text, in answers as in questions. */
export function isBlank(text: string): boolean {
  return !/[^\s\p{Cc}\p{Cf}\p{Z}]/u.test(text);
}

export function isOpen(message: ChatMessage): message is AnswerMessage {
  return message.role === 'assistant' && isUnderWay(message.status);
}

/** An answer that was under way and is not followed any more, with that ending; anything else as it is. */
export function endedAs<M extends ChatMessage>(message: M, ending: Partial<AnswerState>): M {
  if (!isOpen(message)) return message;
  const { isThinking, thought, tool } = NO_ANSWER;
  return { ...message, isThinking, thought, tool, ...ending };
}

/** The one of two states of a message that knows more: of an answer that is under way or failed on one page, another may have the rest. */
export function furtherOf(mine: ChatMessage, theirs: ChatMessage): ChatMessage {
  const [known, told] = [finality(mine), finality(theirs)];
  if (known === told) return theirs.content.length > mine.content.length ? theirs : mine;
  return told > known ? theirs : mine;
}

/** 0 while it may still grow, 1 where it failed, 2 where it is what it will be. */
export function finality(message: ChatMessage): number {
  if (message.role === 'user') return 2;
  if (isUnderWay(message.status)) return 0;
  return message.status === 'failed' ? 1 : 2;
}

/** Whether an answer has words and more of it may be had: it was stopped, it failed, or it reached its longest length. */
export function isBrokenOff({ status, content, stopReason, refusal }: AnswerState): boolean {
  if (isBlank(content) || refusal !== undefined) return false;
  return ['cancelled', 'failed', 'detached'].includes(status) || stopReason === 'max_tokens';
}

/** Of these, and where the model declined, the question itself is at fault: said again, it would spoil each one after it. */
const REFUSED: readonly string[] = ['bad_request', 'too_large', 'unsupported', 'upstream_refused'];

/** What the model is told to go on with an answer that broke off, where no language has words of its own for it. */
export const CONTINUE_PROMPT = 'Go on from exactly where you stopped. Repeat nothing of what you have said.';

/** Of a request. */
const MOST_MESSAGES = 500;
/** UTF-8, as JSON: leaves room in a frame (256 KiB) for what is asked for beside the messages. */
const HISTORY_BYTES = 200_000;
/** Told of with one question: the relay lets a user have ten waiting, some of which may go with what is being typed. */
export const MOST_FILES = 8;

/**
 * What the model is told to answer the last question: it, and of what was said before at most `limit - 1` messages, from
 * a question on, and no more than a frame holds. Where that is not all, its beginning advances by half of `limit` at a
 * time and stands still in between: what the model's API keeps of a conversation is found again only from the same
 * beginning. It follows from the conversation alone, so a reload changes nothing. Without blank answers, and without
 * questions that were refused as they were, or declined. Two questions in a row are as the Messages API takes them: one turn.
 * A photo or a PDF of which `isHeld` says so is a block that names it by its id here; others are told in words.
 */
export function historyOf(
  messages: readonly ChatMessage[],
  limit: number,
  isHeld: (id: string) => boolean = () => false,
): Message[] {
  const end = messages.findLastIndex(({ role }) => role === 'user') + 1;
  const sent = filesOf(messages.slice(0, end), isHeld);
  const said = messages
    .slice(0, end)
    .filter(({ content }, at) => !isBlank(content) && !wasRefused(messages[at + 1], at + 1 < end))
    .map((message) => ({ role: message.role, content: contentOf(message, sent) }));
  const most = Math.min(limit, MOST_MESSAGES);
  const block = 2 * Math.round(most / 4) || 1;
  let first = 0;
  while (said.length - first > most || isTooLong(said.slice(first))) first += block;
  return said.slice(
    said.findIndex(({ role }, at) => role === 'user' && at >= Math.min(first, said.length - 1)),
  );
}

/** The files that are sent: the latest, where there are too many. */
function filesOf(messages: readonly ChatMessage[], isHeld: (id: string) => boolean): ReadonlySet<string> {
  const ids = messages.flatMap((message) => attachmentsOf(message).map(({ id }) => id));
  return new Set(ids.filter(isHeld).slice(-MOST_FILES));
}

export function attachmentsOf(message: ChatMessage): readonly Attachment[] {
  return (message.role === 'user' && message.attachments) || [];
}

function contentOf(message: ChatMessage, sent: ReadonlySet<string>): Message['content'] {
  const attachments = attachmentsOf(message);
  if (attachments.length === 0) return message.content;
  const blocks = attachments.flatMap((each) => blocksOf(each, sent.has(each.id)));
  return [...blocks, { type: 'text', text: message.content }];
}

/** In English, as what else the app says to the model by itself. */
function blocksOf({ id, kind, alt }: Attachment, isSent: boolean): MessageBlock[] {
  const noun = kind === 'photo' ? 'photo' : 'document';
  const text = alt === '' ? '' : ` In the words of whoever sent it: ${alt}`;
  if (!isSent) return [{ type: 'text', text: `[Here was a ${noun} that can no longer be seen.${text}]` }];
  const source = { type: 'upload', id } as const;
  const block: MessageBlock = kind === 'photo' ? { type: 'image', source } : { type: 'document', source };
  return text === '' ? [block] : [block, { type: 'text', text: `[About this ${noun}.${text}]` }];
}

/** More than one message, and more than may be sent. */
function isTooLong(said: readonly Message[]): boolean {
  return said.length > 1 && utf8Length(JSON.stringify(said)) > HISTORY_BYTES;
}

function wasRefused(answer: ChatMessage | undefined, isEarlier: boolean): boolean {
  if (!isEarlier || answer?.role !== 'assistant' || !isBlank(answer.content)) return false;
  return answer.refusal !== undefined || (answer.error !== undefined && REFUSED.includes(answer.error.code));
}
