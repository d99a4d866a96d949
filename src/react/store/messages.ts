/** What a conversation consists of, and what of it the model is told. */
import type { Message, StreamRequest } from '../../client/index.ts';
import type { AnswerState } from './answer-state.ts';

export interface QuestionMessage {
  readonly role: 'user';
  readonly id: string;
  readonly content: string;
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

/** The last `limit` messages with text in them, from a question on. */
export function historyOf(messages: readonly ChatMessage[], limit: number): Message[] {
  const latest = messages.filter(({ content }) => content !== '').slice(-limit);
  const first = latest.findIndex(({ role }) => role === 'user');
  return latest.slice(first).map(({ role, content }) => ({ role, content }));
}
