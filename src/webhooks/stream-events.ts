/** What a webhook is told of an ended run. docs/webhooks.md has the fields; receivers rely on them. */
import {
  type ComposeEvents,
  type NewWebhookEvent,
  type SettledUsage,
  unreadId,
} from '../ledger/webhook-events.ts';

export type StreamEventType = 'stream.ended' | 'stream.unread';

/** How long an ending may be read before somebody is told that nobody has, ms. */
export const UNREAD_AFTER_MS = 10_000;

/** `stream.ended` of every run; `stream.unread`, held for a while, of one whose user asked to be told. */
export const eventsOfRun: ComposeEvents = (run, now) => {
  const { answer, epoch, endedAt } = run.settlement;
  const ended = event(`ended_${epoch}`, 'stream.ended', endedAt, 0, {
    ...dataOf(run),
    ...(answer?.text === undefined ? {} : { text: answer.text }),
  });
  // A crash ended it where there is no answer: nobody can have stopped it then.
  const isAwaited = run.intent.notify === true && (answer?.isAwaited ?? true);
  if (!isAwaited) return [ended];
  const unread = event(unreadId(epoch), 'stream.unread', now + UNREAD_AFTER_MS, UNREAD_AFTER_MS, dataOf(run));
  return [ended, unread];
};

/** @param at when it happened, Unix ms */
function event(id: string, type: StreamEventType, at: number, heldMs: number, data: object): NewWebhookEvent {
  return { id, type, heldMs, body: JSON.stringify({ type, timestamp: instant(at), data }) };
}

function dataOf({ intent, settlement }: SettledUsage) {
  const { epoch, streamId: id, userId, organizationId, action, model, startedAt } = intent;
  const { status, code, usage, firstTokenMs, totalMs, endedAt, answer } = settlement;
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, thinkingTokens, source } = usage;
  return {
    id,
    epoch,
    userId,
    organizationId,
    action,
    model,
    servedModel: usage.model,
    status,
    code,
    stopReason: answer?.stopReason ?? null,
    head: answer?.head ?? null,
    textLength: answer?.textLength ?? null,
    usage: { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, thinkingTokens, source },
    startedAt: instant(startedAt),
    endedAt: instant(endedAt),
    firstTokenMs,
    totalMs,
  };
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
