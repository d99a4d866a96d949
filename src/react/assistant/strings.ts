/**
 * Every word of the assistant, in English. The same in other languages: `languages/`, each a module of its own, so that an app
 * pays for those it imports. A key that one of them lacks is an error of its types.
 */
import type { ReportCategory } from '../../client/index.ts';
import type { AttachmentProblem } from '../store/attachment.ts';
import { CONTINUE_PROMPT } from '../store/messages.ts';
import { counted, percent } from './counted.ts';
import type { DateGroup } from './dates.ts';

export interface Suggestion {
  readonly title: string;
  readonly detail?: string | undefined;
  /** What is sent. */
  readonly prompt: string;
}

export interface AssistantStrings {
  /** BCP 47: how dates and numbers are written, and which plural a count takes. */
  readonly locale: string;
  readonly direction: 'ltr' | 'rtl';
  readonly assistant: string;
  readonly greeting: string;
  readonly greetingDetail: string;
  readonly suggestions: string;
  /** What people at schools begin with. */
  readonly starters: readonly Suggestion[];
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
  /** Answers that were asked for in another tab or on another device. Their questions are not known here. */
  readonly elsewhere: Readonly<Record<'heading' | 'title' | 'note' | 'show', string>>;
  readonly unread: string;
  readonly unreadCount: (count: number) => string;
  readonly searchConversations: string;
  readonly nothingFound: string;
  /** At least one. */
  readonly foundConversations: (count: number) => string;
  /** When the conversations below were. */
  readonly groups: Readonly<Record<DateGroup, string>>;
  /** Opens what can be done with a conversation. */
  readonly moreFor: (title: string) => string;
  readonly rename: string;
  readonly conversationName: string;
  readonly saveName: string;
  /** As a file of Markdown. */
  readonly saveConversation: string;
  readonly print: string;
  readonly delete: string;
  /** Contains `delete`. */
  readonly deleteConversation: (title: string) => string;
  readonly deleted: (title: string) => string;
  readonly undo: string;
  readonly showEarlier: string;
  readonly jumpToLatest: string;
  /** Instead of `jumpToLatest`, once there is text that was not seen. */
  readonly newText: string;

  readonly connecting: string;
  readonly thinking: string;
  /** Once the model is known to think, which may take a while. */
  readonly thinkingThrough: string;
  /** What opens and closes the summary of what the model thinks. */
  readonly showThought: string;
  readonly hideThought: string;
  /** While a tool is called for which the operator has no words. */
  readonly lookingUp: string;
  readonly streaming: string;
  readonly reconnecting: string;
  readonly stopping: string;
  readonly stopped: string;
  readonly cutShort: string;
  /** Also to a child: the model declined, for a reason that has no words of its own. */
  readonly declined: string;
  /** Why, and what to ask instead. */
  readonly refusals: Readonly<Record<RefusalKind, string>>;
  /** Puts the question back where it can be changed. */
  readonly changeQuestion: string;
  /** An answer that ended as it should, with nothing to be read in it. */
  readonly nothingSaid: string;
  readonly offline: string;
  readonly offlineAnswering: string;
  /** The device has a network, and nothing comes through it: a filter, or a page where one has to sign in. */
  readonly networkWaits: string;

  /** From 80 percent of a limit on. `left`: questions, of whose and when. */
  readonly limitLeft: (left: number, of: LimitOf) => string;
  /** The same where what counts is length: whole percent. */
  readonly limitUsed: (percent: number, of: LimitOf) => string;
  readonly limitResets: (when: string) => string;
  readonly dismiss: string;

  /** Below the last answer. */
  readonly canBeWrong: string;
  readonly report: ReportStrings;

  /** Of the field in which a question is edited. */
  readonly yourQuestion: string;
  /** Of a question or an answer, of which there are several: `2/3`. */
  readonly version: (which: string) => string;
  readonly previousVersion: string;
  readonly nextVersion: string;
  /** Asks for the rest of an answer that was stopped or broke off. */
  readonly continueAnswer: string;
  /** What the model is told then. */
  readonly continuePrompt: string;
  /** Stands between the two parts of such an answer. */
  readonly continued: string;
  readonly readAloud: string;
  readonly stopReading: string;
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
  /** From a footnote. */
  readonly backToText: string;

  /** Photos and PDFs that go with a question. */
  readonly attach: string;
  readonly takePhoto: string;
  readonly choosePhotos: string;
  readonly chooseDocuments: string;
  /** Photos or PDFs, by one dialog. */
  readonly chooseFiles: string;
  readonly dropHere: string;
  /** What is listed above the field in which one types. */
  readonly attached: string;
  readonly photoNumber: (number: number) => string;
  readonly documentNumber: (number: number) => string;
  readonly pageCount: (count: number) => string;
  readonly preparingFile: string;
  readonly sendingFile: string;
  /** In place of `connecting`, while what was attached is on its way. */
  readonly sendingFiles: string;
  readonly fileReady: string;
  readonly sendsWhenReady: string;
  readonly dontSendYet: string;
  /** Asks what it shows: for the model, and for people who do not see it. */
  readonly describeHint: string;
  readonly describeFile: (name: string) => string;
  readonly removeFile: (name: string) => string;
  readonly removeFailed: string;
  readonly tooManyFiles: (most: number) => string;
  /** The question, where a person sends a photo without words. */
  readonly askAboutFiles: string;
  readonly enlarge: (what: string) => string;
  readonly closePhoto: string;
  /** In the place of a photo or a PDF that an earlier page had. */
  readonly fileGone: string;
  readonly fileProblems: Readonly<Record<AttachmentProblem, string>>;

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

/** Whose limit it is, and for how long it counts. */
export interface LimitOf {
  readonly scope: 'user' | 'organization';
  readonly period: 'day' | 'month';
}

/** The reasons of the model's API that have words of their own. */
export type RefusalKind = 'general_harms' | 'cyber' | 'bio' | 'reasoning_extraction' | 'frontier_llm';

/** The dialog in which an answer is reported. */
export interface ReportStrings {
  readonly open: string;
  readonly title: string;
  readonly categories: Readonly<Record<ReportCategory, string>>;
  /** What is sent in any case, and what only with a tick. */
  readonly detail: string;
  readonly withAnswer: string;
  readonly withNote: string;
  readonly note: string;
  readonly send: string;
  readonly sending: string;
  readonly thanks: string;
  readonly failed: string;
  /** There were many in a short time. */
  readonly tooMany: string;
  readonly close: string;
}

/** What went wrong, as far as it matters to a person. */
export type FailureKind =
  | 'signIn'
  | 'forbidden'
  | 'foreignPage'
  | 'quota'
  | 'switchedOff'
  | 'tooMany'
  | 'busy'
  | 'notSetUp'
  | 'brokeOff'
  | 'slow'
  | 'unreachable'
  | 'tooLong'
  | 'refused';

const questions = counted('en', { one: '# more question', other: '# more questions' });
const percentage = percent('en');
const today = ({ period }: LimitOf): string => (period === 'day' ? 'today' : 'this month');

export const ENGLISH: AssistantStrings = {
  locale: 'en',
  direction: 'ltr',
  assistant: 'Dash',
  greeting: 'What shall we work on?',
  greetingDetail: 'Ask a question, plan a lesson or go through homework step by step.',
  suggestions: 'Suggestions',
  starters: [
    {
      title: 'Explain photosynthesis',
      detail: 'in simple words, with an example',
      prompt: 'Explain photosynthesis to a ten-year-old, with an example.',
    },
    {
      title: 'Plan a lesson',
      detail: 'on fractions, 45 minutes, grade 5',
      prompt: 'Plan a 45-minute lesson on fractions for grade 5.',
    },
    {
      title: 'Help with homework',
      detail: 'one step after the other',
      prompt: 'Help me solve 3x + 7 = 22, one step after the other.',
    },
    {
      title: 'Quiz me',
      detail: 'on the solar system',
      prompt: 'Ask me five questions about the solar system, with the answers at the end.',
    },
  ],
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
  elsewhere: {
    heading: 'On your other devices',
    title: 'Asked on another device',
    note: 'Dash is answering on another of your devices.',
    show: 'Show it here',
  },
  unread: 'New answer',
  unreadCount: counted('en', { one: '# new answer', other: '# new answers' }),
  searchConversations: 'Search conversations',
  nothingFound: 'Nothing found',
  foundConversations: counted('en', { one: '# conversation found', other: '# conversations found' }),
  groups: { today: 'Today', yesterday: 'Yesterday', lastWeek: 'Last 7 days', older: 'Older' },
  moreFor: (title) => `More for “${title}”`,
  rename: 'Rename',
  conversationName: 'Name of the conversation',
  saveName: 'Save name',
  saveConversation: 'Save as a file',
  print: 'Print or save as PDF',
  delete: 'Delete',
  deleteConversation: (title) => `Delete “${title}”`,
  deleted: (title) => `“${title}” was deleted.`,
  undo: 'Undo',
  showEarlier: 'Show earlier messages',
  jumpToLatest: 'Jump to latest',
  newText: 'New text below',

  connecting: 'Connecting…',
  thinking: 'Thinking…',
  thinkingThrough: 'Thinking it through…',
  showThought: 'Show what it thinks',
  hideThought: 'Hide what it thinks',
  lookingUp: 'Looking something up…',
  streaming: 'Writing…',
  reconnecting: 'Reconnecting…',
  stopping: 'Stopping…',
  stopped: 'You stopped this answer.',
  cutShort: 'This answer reached its longest length.',
  declined:
    'Dash can’t help with this one. You can ask about something else, or talk it over with a grown-up you trust.',
  refusals: {
    general_harms:
      'Dash does not answer this, because it could hurt somebody. If something worries you, talk to a grown-up you trust. You can ask how people stay safe instead.',
    cyber:
      'Dash does not help to break into computers or accounts. You can ask how they are kept safe, or how a program works.',
    bio: 'Dash does not go into this, because some of it is dangerous. You can ask how the body, plants or medicines work in general.',
    reasoning_extraction:
      'Dash does not show its own workings. You can ask it to explain the answer step by step.',
    frontier_llm:
      'Dash does not help to build systems like itself. You can ask how computers learn in general.',
  },
  changeQuestion: 'Change the question',
  nothingSaid: 'Dash gave no answer. Ask again, or ask in other words.',
  offline: 'You are offline. You can go on as soon as there is a connection.',
  offlineAnswering: 'You are offline. Your answer goes on as soon as there is a connection.',
  networkWaits:
    'You have a network, but Dash cannot be reached through it. On the Wi-Fi of a school you may have to sign in first: open any web page. Dash keeps trying.',

  limitLeft: (left, of) =>
    `${of.scope === 'user' ? 'You' : 'All at your school together'} can ask ${questions(left)} ${today(of)}.`,
  limitUsed: (percent, of) =>
    `${of.scope === 'user' ? 'You have' : 'Your school has'} used ${percentage(percent)} of what can be asked ${today(of)}.`,
  limitResets: (when) => `It starts again on ${when}.`,
  dismiss: 'Close this note',

  canBeWrong: 'Dash is an AI and can be wrong. Check what matters.',
  report: {
    open: 'Report this answer',
    title: 'What is wrong with this answer?',
    categories: {
      wrong: 'It is not true',
      unkind: 'It is unkind',
      unsafe: 'It could be dangerous',
      private: 'It says something private',
      other: 'Something else',
    },
    detail:
      'Your school learns which answer it was and who reports it. The words are sent only if you tick them.',
    withAnswer: 'Send the words of the answer',
    withNote: 'Say something about it',
    note: 'What you want to say',
    send: 'Send report',
    sending: 'Sending…',
    thanks: 'Thank you. Your report has arrived.',
    failed: 'The report could not be sent. Check your connection, then try again.',
    tooMany: 'You have sent many reports. Wait a little before the next one.',
    close: 'Close',
  },

  yourQuestion: 'Your question',
  version: (which) => `Version ${which}`,
  previousVersion: 'Previous version',
  nextVersion: 'Next version',
  continueAnswer: 'Go on',
  continuePrompt: CONTINUE_PROMPT,
  continued: 'Continued',
  readAloud: 'Read aloud',
  stopReading: 'Stop reading',
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
  backToText: 'Back to the text',

  attach: 'Add a photo or file',
  takePhoto: 'Take a photo',
  choosePhotos: 'Choose photos',
  chooseDocuments: 'Choose a PDF',
  chooseFiles: 'Choose photos or PDFs',
  dropHere: 'Drop it here to ask about it',
  attached: 'Added to your question',
  photoNumber: (number) => `Photo ${number}`,
  documentNumber: (number) => `PDF ${number}`,
  pageCount: counted('en', { one: '# page', other: '# pages' }),
  preparingFile: 'Getting ready…',
  sendingFile: 'Sending…',
  sendingFiles: 'Sending your photos and files…',
  fileReady: 'Ready',
  sendsWhenReady: 'Your question is sent as soon as everything is ready.',
  dontSendYet: 'Don’t send yet',
  describeHint: 'What does it show?',
  describeFile: (name) => `What does ${name} show? (optional)`,
  removeFile: (name) => `Remove ${name}`,
  removeFailed: 'Something could not be added. Remove it or try again, then send your question.',
  tooManyFiles: counted('en', {
    one: 'Only # can go with a question.',
    other: 'Only # can go with one question. Send these first.',
  }),
  askAboutFiles: 'Please help me with this.',
  enlarge: (what) => `Enlarge ${what}`,
  closePhoto: 'Close',
  fileGone: 'not kept, for your privacy',
  fileProblems: {
    heic: 'This kind of photo (HEIC) cannot be opened here. Take a screenshot of it and add that, or save it as JPEG.',
    drawing: 'This is a drawing (SVG). Take a screenshot of it and add that.',
    moving: 'This picture moves. Add a photo or a screenshot instead.',
    notPhoto: 'This is not a photo. Take a photo of the page, or a screenshot.',
    damaged: 'This could not be opened: it may be damaged. Take the photo again.',
    tooLarge: 'This is too large. Take a photo of a smaller part.',
    noDocuments: 'PDFs cannot be read here. Take a photo of the page instead.',
    encrypted: 'This PDF has a password. Save it without one, then add it again.',
    tooManyPages: 'This PDF has too many pages. Save only the pages you need, then add those.',
    tooManyWaiting: 'Too many photos are waiting. Wait a few minutes, then try again.',
    noCamera: 'Dash may not use the camera. You can allow it in the settings of your device.',
    notTaken: 'Photos cannot be sent here. Type your question instead.',
    signIn: 'You are signed out. Sign in again, then try again.',
    busy: 'It could not be sent just now. Try again in a moment.',
    unreachable: 'It could not be sent. Check your connection, then try again.',
  },

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
    signIn:
      'Dash does not know who you are any more. Sign in again. If that does not help, tell your teacher.',
    forbidden: 'Your account may not use this. Tell your teacher if it should.',
    foreignPage: 'Dash does not answer on this page. Whoever runs it has to allow the address of the page.',
    quota: 'You have asked all the questions of your plan for now.',
    switchedOff: 'Dash is switched off right now. Your teacher can tell you when it is back.',
    tooMany: 'That was a lot at once. Wait a moment, then try again.',
    busy: 'Many people are asking right now. Try again in a moment.',
    notSetUp:
      'Dash cannot answer anybody right now: its service is not set up or not paid for. Whoever runs it has to see to that.',
    brokeOff: 'The answer broke off.',
    slow: 'The answer took too long.',
    unreachable:
      'Dash could not be reached. Check your connection, then try again. If other pages work, tell your teacher: the school’s network may hold Dash back.',
    tooLong: 'The question is too long. Make it shorter, then send it again.',
    refused: 'This question could not be answered.',
  },
  quotaUntil: (when) => `New ones are there from ${when}.`,
  allowOrigin: (origin) => `Add ${origin} to ALLOWED_ORIGINS of the relay, and start it again.`,
  kept: 'What had arrived is kept.',
};

/** The words of a language, English by default, wherever an app has none of its own. */
export function withDefaults(
  own: AssistantStringOverrides = {},
  language: AssistantStrings = ENGLISH,
): AssistantStrings {
  const { errors, refusals, report, fileProblems, elsewhere } = language;
  return {
    ...language,
    ...own,
    errors: { ...errors, ...own.errors },
    refusals: { ...refusals, ...own.refusals },
    fileProblems: { ...fileProblems, ...own.fileProblems },
    elsewhere: { ...elsewhere, ...own.elsewhere },
    report: {
      ...report,
      ...own.report,
      categories: { ...report.categories, ...own.report?.categories },
    },
  };
}

export type AssistantStringOverrides = Partial<
  Omit<AssistantStrings, 'errors' | 'refusals' | 'report' | 'fileProblems' | 'elsewhere'>
> & {
  readonly errors?: Partial<AssistantStrings['errors']>;
  readonly refusals?: Partial<AssistantStrings['refusals']>;
  readonly fileProblems?: Partial<AssistantStrings['fileProblems']>;
  readonly elsewhere?: Partial<AssistantStrings['elsewhere']>;
  readonly report?: Partial<Omit<ReportStrings, 'categories'>> & {
    readonly categories?: Partial<ReportStrings['categories']>;
  };
};
