import type { MessageStatus } from '@assistant-ui/react';

export interface Failure {
  readonly text: string;
  /** Whether asking the same again may help. */
  readonly canRetry: boolean;
}

/** By the relay's codes (PROTOCOL.md): those for which a person can do more than ask again. */
const WORDS: Readonly<Record<string, string>> = {
  unauthorized: 'You are signed out. Sign in, then ask again.',
  detached: 'You are signed out. Sign in, then ask again.',
  too_large: 'That is too long. Make it shorter, then ask again.',
  quota_exceeded: 'Your limit is used up for now. Come back later.',
  too_many_streams: 'Too much at once. Wait until another answer has ended, then ask again.',
  rate_limited: 'Too much at once. Wait a moment, then ask again.',
  upstream_overloaded: 'The model is busy. Ask again in a moment.',
  upstream_rate_limited: 'The model is busy. Ask again in a moment.',
  unreachable: 'The service cannot be reached. See whether you are online, then ask again.',
};

/** Words for people; the error's own `message` is for developers. */
export function failureOf(status: MessageStatus | undefined): Failure | undefined {
  if (status?.type !== 'incomplete') return undefined;
  if (status.reason === 'length')
    return { text: 'The answer is cut off at its greatest length.', canRetry: false };
  if (status.reason === 'content-filter')
    return { text: 'The model declined. Ask something else.', canRetry: false };
  if (status.reason !== 'error') return undefined;
  const { code, retryable } = status.error as { readonly code: string; readonly retryable: boolean };
  const otherwise = retryable ? 'The answer broke off. Ask again.' : 'This question could not be answered.';
  return { text: WORDS[code] ?? otherwise, canRetry: retryable };
}
