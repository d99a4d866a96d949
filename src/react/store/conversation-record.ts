/** A conversation as it is kept beyond a page: plain JSON, read back with suspicion. */
import type { Position } from '../../client/index.ts';
import { attachmentsIn } from './attachment.ts';
import type { MessageBranches } from './message-tree.ts';
import { type AskOptions, type ChatMessage, endedAs, finality } from './messages.ts';

/** `{epoch, after}` of the answer that was under way, if one was: `client.attach` goes on from there. */
export interface ConversationRecord extends MessageBranches {
  readonly id: string;
  /** Given by a person; '' where its first question is its title. */
  readonly name: string;
  readonly asked: AskOptions | undefined;
  readonly position: Position | undefined;
  readonly unread: boolean;
  /** Of the last question, Unix ms; 0 where something was only typed. */
  readonly askedAt: number;
  /** What was typed and not sent. */
  readonly draft: string;
}

export interface KeptConversations {
  readonly viewed: string | undefined;
  readonly conversations: readonly ConversationRecord[];
  /** Answers of deleted ones that the relay may still keep. */
  readonly erasing?: readonly string[] | undefined;
  /** Which page has written it, and which writing of each page it follows on. */
  readonly page?: string | undefined;
  readonly knows?: Readonly<Record<string, number>> | undefined;
  /** When all was last cleared, Unix ms. */
  readonly cleared?: number | undefined;
}

export const NOTHING_KEPT: KeptConversations = { viewed: undefined, conversations: [] };

/** 1 had no variants: its messages follow one another. */
const VERSION = 2;
const READABLE: readonly unknown[] = [1, VERSION];

export function serialise(kept: KeptConversations): string {
  return JSON.stringify({ version: VERSION, ...kept });
}

/** What another version, another program or a torn write left counts as nothing. */
export function parse(text: string | null | undefined): KeptConversations {
  const kept = json(text ?? '') as Partial<KeptConversations & { version: number }> | undefined;
  if (!READABLE.includes(kept?.version) || !Array.isArray(kept?.conversations)) return NOTHING_KEPT;
  const conversations = kept.conversations.filter(isRecord).map(withKnownFields);
  const erasing = Array.isArray(kept.erasing)
    ? kept.erasing.filter((id) => typeof id === 'string')
    : undefined;
  const [viewed, page] = [kept.viewed, kept.page].map((id) => (typeof id === 'string' ? id : undefined));
  const writings = Object.entries(kept.knows ?? {}).filter(([, written]) => typeof written === 'number');
  const cleared = typeof kept.cleared === 'number' ? kept.cleared : undefined;
  return { viewed, conversations, erasing, page, knows: Object.fromEntries(writings), cleared };
}

/** Whether merging the one adds nothing to what the other brought. */
export function saysTheSame(one: ConversationRecord, other: ConversationRecord): boolean {
  const traits = ({ name, unread, askedAt, draft, end, position, parents }: ConversationRecord): string =>
    JSON.stringify([name, unread, askedAt, draft, end, position, parents]);
  const isSame = (message: ChatMessage, before: ChatMessage | undefined): boolean =>
    message.id === before?.id && message.content === before.content && finality(message) === finality(before);
  return (
    one.messages.length === other.messages.length &&
    one.messages.every((message, at) => isSame(message, other.messages[at])) &&
    traits(one) === traits(other)
  );
}

/** As it is once the answer that was under way has been stopped. */
export function withStoppedAnswers(record: ConversationRecord): ConversationRecord {
  const messages = record.messages.map((message) => endedAs(message, { status: 'cancelled' }));
  return { ...record, messages, position: undefined };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is ConversationRecord {
  const { id, messages, askedAt } = (value ?? {}) as Partial<ConversationRecord>;
  return (
    typeof id === 'string' &&
    typeof askedAt === 'number' &&
    Array.isArray(messages) &&
    messages.every(
      (message: Partial<ChatMessage> | null) =>
        typeof message?.id === 'string' &&
        typeof message.content === 'string' &&
        (message.role === 'user' || (message.role === 'assistant' && typeof message.status === 'string')),
    )
  );
}

/** What is of another shape is not there: a wrong position would hold the conversation up for ever. */
function withKnownFields(record: ConversationRecord): ConversationRecord {
  const { position, asked, name } = record;
  return {
    ...record,
    ...branchesOf({ ...record, messages: record.messages.map(withKnownAttachments) }),
    name: typeof name === 'string' ? name : '',
    position: isPosition(position) ? position : undefined,
    asked: typeof asked?.action === 'string' ? asked : undefined,
    unread: record.unread === true,
    draft: typeof record.draft === 'string' ? record.draft : '',
  };
}

function withKnownAttachments(message: ChatMessage): ChatMessage {
  if (message.role !== 'user' || message.attachments === undefined) return message;
  return { ...message, attachments: attachmentsIn(message.attachments) };
}

/** One path of all messages, where there are no branches that can be followed. */
function branchesOf({
  messages,
  parents,
  end,
}: Partial<MessageBranches> & ConversationRecord): MessageBranches {
  const isPlace = (place: unknown, below: number): boolean =>
    Number.isInteger(place) && (place as number) >= -1 && (place as number) < below;
  const areWhole =
    Array.isArray(parents) &&
    parents.length === messages.length &&
    parents.every(isPlace) &&
    isPlace(end, messages.length);
  if (areWhole) return { messages, parents, end };
  return { messages, parents: messages.map((_message, at) => at - 1), end: messages.length - 1 };
}

function isPosition(value: Partial<Position> | null | undefined): value is Position {
  const { id, epoch, after } = value ?? {};
  return (
    typeof id === 'string' && typeof after === 'number' && ['string', 'undefined'].includes(typeof epoch)
  );
}
