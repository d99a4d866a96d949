/** The conversations whose bills are compared. Sizes are tokens of the newer tokenizer, as the simulated model counts. */

import type { Message } from '../../src/client/index.ts';
import { NO_ANSWER } from '../../src/react/store/answer-state.ts';
import { historyOf } from '../../src/react/store/messages.ts';

export interface Conversation {
  readonly name: string;
  readonly turns: number;
  /** Of the server's prompt. */
  readonly system: SystemSize;
  readonly question: number;
  /** Of the first question, where it is another. */
  readonly firstQuestion?: number;
  readonly answer: number;
  /** Said before the first of these turns. */
  readonly history: number;
  /** The app's data, other data with each question. */
  readonly context: number;
  /** Whether a picture comes with each question. */
  readonly pictures: boolean;
  /** Between two questions. */
  readonly pauseMs: number;
  /** What of it all is sent. */
  readonly window: (messages: readonly Message[]) => readonly Message[];
}

/** Of the shipped actions, and one that reaches every model's floor. */
export const SYSTEM_TOKENS = { short: 75, long: 5000 } as const;
export type SystemSize = keyof typeof SYSTEM_TOKENS;

const MINUTE = 60_000;

const ORDINARY: Conversation = {
  name: '',
  turns: 10,
  system: 'short',
  question: 40,
  answer: 300,
  history: 0,
  context: 0,
  pictures: false,
  pauseMs: MINUTE,
  window: (messages) => messages,
};

const conversation = (name: string, more: Partial<Conversation> = {}): Conversation => ({
  ...ORDINARY,
  ...more,
  name,
});

export const TEN_TURNS: readonly Conversation[] = [
  conversation('short questions'),
  conversation('short questions, context of 400 tokens', { context: 400 }),
  conversation('1,000 tokens before', { history: 1000 }),
  conversation('5,000 tokens before', { history: 5000 }),
  conversation('5,000 tokens before, context of 400', { history: 5000, context: 400 }),
  conversation('20,000 tokens before', { history: 20_000 }),
  conversation('questions of 500 tokens', { question: 500 }),
  conversation('a picture with each question', { pictures: true }),
  conversation('system prompt of 5,000 tokens', { system: 'long' }),
  conversation('8,000 tokens before, the last 11 messages in blocks', { history: 8000, window: inBlocks }),
];

export const DEARER: readonly Conversation[] = [
  conversation('the last 11 messages, sliding', { history: 8000, window: sliding }),
  conversation('5,000 tokens before, ten minutes between questions', {
    history: 5000,
    pauseMs: 10 * MINUTE,
  }),
  conversation('two turns, the first question of 3,000 tokens', { turns: 2, firstQuestion: 3000 }),
  conversation('three turns, the first question of 3,000 tokens', { turns: 3, firstQuestion: 3000 }),
  conversation('one question, system prompt of 5,000 tokens, once in five minutes', {
    turns: 1,
    system: 'long',
  }),
];

export const ON_EACH_MODEL = conversation('5,000 tokens before', { history: 5000 });

const MOST_MESSAGES = 11;

function inBlocks(messages: readonly Message[]): readonly Message[] {
  const told = messages.map(({ role, content }) =>
    role === 'user'
      ? ({ role, id: '', content: String(content) } as const)
      : ({ ...NO_ANSWER, role, id: '', content: String(content) } as const),
  );
  return historyOf(told, MOST_MESSAGES);
}

/** As a client does that thinks of no cache. */
function sliding(messages: readonly Message[]): readonly Message[] {
  const latest = messages.slice(-MOST_MESSAGES);
  return latest.slice(latest.findIndex(({ role }) => role === 'user'));
}
