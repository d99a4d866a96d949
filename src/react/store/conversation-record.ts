/** A conversation as it is kept beyond a page: plain JSON, read back with suspicion. */
import type { Position } from '../../client/index.ts';
import type { AskOptions, ChatMessage } from './messages.ts';

/** `{epoch, after}` of the last answer, where it was under way: `client.attach` goes on from there. */
export interface ConversationRecord {
  readonly id: string;
  readonly messages: readonly ChatMessage[];
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
}

export const NOTHING_KEPT: KeptConversations = { viewed: undefined, conversations: [] };

const VERSION = 1;

export function serialise(kept: KeptConversations): string {
  return JSON.stringify({ version: VERSION, ...kept });
}

/** What another version, another program or a torn write left counts as nothing. */
export function parse(text: string | null | undefined): KeptConversations {
  const kept = json(text ?? '') as Partial<KeptConversations & { version: number }> | undefined;
  if (kept?.version !== VERSION || !Array.isArray(kept.conversations)) return NOTHING_KEPT;
  const conversations = kept.conversations.filter(isRecord).map(withKnownFields);
  return { viewed: typeof kept.viewed === 'string' ? kept.viewed : undefined, conversations };
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
  const { position, asked } = record;
  return {
    ...record,
    position: isPosition(position) ? position : undefined,
    asked: typeof asked?.action === 'string' ? asked : undefined,
    unread: record.unread === true,
    draft: typeof record.draft === 'string' ? record.draft : '',
  };
}

function isPosition(value: Partial<Position> | null | undefined): value is Position {
  const { id, epoch, after } = value ?? {};
  return (
    typeof id === 'string' && typeof after === 'number' && ['string', 'undefined'].includes(typeof epoch)
  );
}
