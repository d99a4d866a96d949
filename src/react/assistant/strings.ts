/** Every word of the assistant, in English; an app hands in its own. */

export interface AssistantStrings {
  readonly assistant: string;
  readonly greeting: string;
  readonly greetingDetail: string;
  readonly suggestions: string;
  readonly placeholder: string;
  readonly send: string;
  readonly stop: string;
  readonly you: string;
  /** Of the transcript, for screen readers. */
  readonly messages: string;

  readonly conversations: string;
  readonly newConversation: string;
  readonly showConversations: string;
  readonly hideConversations: string;
  readonly noConversations: string;
  readonly answering: string;
  readonly unread: string;
  readonly unreadCount: (count: number) => string;
  readonly deleteConversation: (title: string) => string;
  readonly deleteQuestion: (title: string) => string;
  readonly delete: string;
  readonly showEarlier: string;
  readonly jumpToLatest: string;

  readonly connecting: string;
  readonly thinking: string;
  /** Once the model is known to think, which may take a while. */
  readonly thinkingThrough: string;
  /** While a tool is called for which the operator has no words. */
  readonly lookingUp: string;
  readonly streaming: string;
  readonly reconnecting: string;
  readonly stopping: string;
  readonly stopped: string;
  readonly cutShort: string;
  /** Also to a child: the model declined. */
  readonly declined: string;
  /** An answer that ended as it should, with nothing to be read in it. */
  readonly nothingSaid: string;
  readonly offline: string;
  readonly offlineAnswering: string;

  readonly retry: string;
  readonly regenerate: string;
  readonly copy: string;
  readonly copyAnswer: string;
  readonly copyCode: string;
  readonly copied: string;
  readonly code: string;
  readonly table: string;
  readonly image: string;
  readonly formula: string;
  /** What is noted below the answer, by its number or name. */
  readonly footnote: (label: string) => string;

  readonly linkTitle: string;
  readonly linkDetail: (host: string) => string;
  readonly mailDetail: string;
  readonly linkUnusual: string;
  readonly openLink: string;
  readonly cancel: string;

  /** To screen readers. */
  readonly saysThinking: string;
  readonly saysDone: string;
  readonly saysStopped: string;
  readonly saysReconnecting: string;

  readonly errors: Readonly<Record<FailureKind, string>>;
  readonly quotaUntil: (when: string) => string;
  /** To whoever develops a page that the relay does not admit yet. */
  readonly allowOrigin: (origin: string) => string;
  /** Below text that arrived before the failure. */
  readonly kept: string;
}

/** What went wrong, as far as it matters to a person. */
export type FailureKind =
  | 'signIn'
  | 'forbidden'
  | 'foreignPage'
  | 'quota'
  | 'tooMany'
  | 'busy'
  | 'notSetUp'
  | 'brokeOff'
  | 'slow'
  | 'unreachable'
  | 'tooLong'
  | 'refused';

export const ENGLISH: AssistantStrings = {
  assistant: 'Dash',
  greeting: 'What shall we work on?',
  greetingDetail: 'Ask a question, plan a lesson or go through homework step by step.',
  suggestions: 'Suggestions',
  placeholder: 'Ask Dash',
  send: 'Send',
  stop: 'Stop answering',
  you: 'You',
  messages: 'Messages',

  conversations: 'Conversations',
  newConversation: 'New conversation',
  showConversations: 'Show conversations',
  hideConversations: 'Hide conversations',
  noConversations: 'Your conversations will be listed here.',
  answering: 'Answering…',
  unread: 'New answer',
  unreadCount: (count) => (count === 1 ? '1 new answer' : `${count} new answers`),
  deleteConversation: (title) => `Delete “${title}”`,
  deleteQuestion: (title) => `Delete “${title}”? It cannot be brought back.`,
  delete: 'Delete',
  showEarlier: 'Show earlier messages',
  jumpToLatest: 'Jump to latest',

  connecting: 'Connecting…',
  thinking: 'Thinking…',
  thinkingThrough: 'Thinking it through…',
  lookingUp: 'Looking something up…',
  streaming: 'Streaming…',
  reconnecting: 'Reconnecting…',
  stopping: 'Stopping…',
  stopped: 'You stopped this answer.',
  cutShort: 'This answer reached its longest length. Ask Dash to go on.',
  declined:
    'Dash can’t help with this one. You can ask about something else, or talk it over with a grown-up you trust.',
  nothingSaid: 'Dash gave no answer. Ask again, or ask in other words.',
  offline: 'You are offline. You can go on as soon as there is a connection.',
  offlineAnswering: 'You are offline. Your answer goes on as soon as there is a connection.',

  retry: 'Try again',
  regenerate: 'Ask again',
  copy: 'Copy',
  copyAnswer: 'Copy answer',
  copyCode: 'Copy code',
  copied: 'Copied',
  code: 'Code',
  table: 'Table',
  image: 'Image',
  formula: 'Formula',
  footnote: (label) => `Footnote ${label}`,

  linkTitle: 'Open this link?',
  linkDetail: (host) => `It leads to ${host}, outside of this app. Dash has not checked the page.`,
  mailDetail: 'It opens a new message to this address.',
  linkUnusual: 'The address contains unusual letters. It may imitate a page that you know.',
  openLink: 'Open link',
  cancel: 'Cancel',

  saysThinking: 'Dash is thinking.',
  saysDone: 'Dash has answered.',
  saysStopped: 'Stopped.',
  saysReconnecting: 'Reconnecting.',

  errors: {
    signIn: 'You are signed out. Sign in again to go on.',
    forbidden: 'Your account may not use this.',
    foreignPage: 'Dash does not answer on this page. Whoever runs it has to allow the address of the page.',
    quota: 'You have asked all the questions of your plan for now.',
    tooMany: 'That was a lot at once. Wait a moment, then try again.',
    busy: 'Many people are asking right now. Try again in a moment.',
    notSetUp:
      'Dash cannot answer anybody right now: its service is not set up or not paid for. Whoever runs it has to see to that.',
    brokeOff: 'The answer broke off.',
    slow: 'The answer took too long.',
    unreachable: 'Dash could not be reached. Check your connection, then try again.',
    tooLong: 'The question is too long. Make it shorter, then send it again.',
    refused: 'This question could not be answered.',
  },
  quotaUntil: (when) => `New ones are there from ${when}.`,
  allowOrigin: (origin) => `Add ${origin} to ALLOWED_ORIGINS of the relay, and start it again.`,
  kept: 'What had arrived is kept.',
};

/** The English words wherever an app has none of its own. */
export function withDefaults(strings: AssistantStringOverrides = {}): AssistantStrings {
  return { ...ENGLISH, ...strings, errors: { ...ENGLISH.errors, ...strings.errors } };
}

export type AssistantStringOverrides = Partial<Omit<AssistantStrings, 'errors'>> & {
  readonly errors?: Partial<AssistantStrings['errors']>;
};
