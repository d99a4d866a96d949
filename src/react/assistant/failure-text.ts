/** What is said of a failure. From its code and reason alone: messages are for developers. */
import type { DashErrorCode, Failure } from '../../client/dash-error.ts';
import type { AnswerState } from '../store/answer-state.ts';
import { isBlank } from '../store/messages.ts';
import { dayAndTime } from './local-time.ts';
import type { AssistantStrings, FailureKind, RefusalKind } from './strings.ts';

const KINDS: Readonly<Record<DashErrorCode, FailureKind>> = {
  unauthorized: 'signIn',
  forbidden: 'forbidden',
  model_not_allowed: 'forbidden',
  quota_exceeded: 'quota',
  rate_limited: 'tooMany',
  too_many_streams: 'tooMany',
  too_many_connections: 'tooMany',
  too_many_uploads: 'tooMany',
  shutting_down: 'busy',
  unavailable: 'busy',
  upstream_overloaded: 'busy',
  upstream_account: 'notSetUp',
  upstream_rate_limited: 'busy',
  internal: 'brokeOff',
  interrupted: 'brokeOff',
  abandoned: 'brokeOff',
  unknown_stream: 'brokeOff',
  resume_gap: 'brokeOff',
  upstream_reset: 'brokeOff',
  upstream_truncated: 'brokeOff',
  upstream_error: 'brokeOff',
  detached: 'brokeOff',
  closed: 'brokeOff',
  request_timeout: 'slow',
  upstream_timeout: 'slow',
  deadline_exceeded: 'slow',
  unreachable: 'unreachable',
  too_large: 'tooLong',
  bad_request: 'refused',
  unknown_action: 'refused',
  not_found: 'refused',
  unknown_upload: 'refused',
  method_not_allowed: 'refused',
  conflict: 'refused',
  unsupported: 'refused',
  upgrade_required: 'refused',
  upstream_refused: 'refused',
};

/** Of no use: the same would come again. */
const FINAL: readonly FailureKind[] = [
  'forbidden',
  'foreignPage',
  'quota',
  'switchedOff',
  'tooLong',
  'refused',
  'notSetUp',
];

/** Of use only in other words. */
const TO_CHANGE: readonly FailureKind[] = ['tooLong', 'refused'];

export interface FailureWords {
  readonly text: string;
  readonly canRetry: boolean;
  /** Whether it may help to change the question. */
  readonly canChange: boolean;
}

/**
 * `hasText`: some of the answer had arrived.
 * @example
 * ```ts
 * import { DashError } from '@dash-relay/client';
 * import { describeFailure, ENGLISH } from '@dash-relay/client/react';
 *
 * stream.final.catch((error) => {
 *   if (error instanceof DashError) show(describeFailure(error, ENGLISH, error.content !== '').text);
 * });
 * ```
 */
export function describeFailure(why: Failure, strings: AssistantStrings, hasText: boolean): FailureWords {
  const { resetsAt } = why;
  const kind = kindOf(why);
  const sentences = [strings.errors[kind]];
  const origin = kind === 'foreignPage' ? developersOrigin() : undefined;
  if (origin !== undefined) sentences.push(strings.allowOrigin(origin));
  if (kind === 'quota' && resetsAt !== undefined)
    sentences.push(strings.quotaUntil(dayAndTime(resetsAt, strings.locale)));
  if (hasText) sentences.push(strings.kept);
  return { text: sentences.join(' '), canRetry: !FINAL.includes(kind), canChange: TO_CHANGE.includes(kind) };
}

function kindOf({ code, reason }: Failure): FailureKind {
  if (reason === 'origin') return 'foreignPage';
  if (reason === 'switched_off') return 'switchedOff';
  return KINDS[code] ?? 'brokeOff'; // of a newer relay
}

/** What is said of an answer that has not failed, where its text does not say it. */
export function noteOn(
  { status, stopReason, content, refusal }: AnswerState,
  strings: AssistantStrings,
): string | undefined {
  if (status === 'cancelled') return strings.stopped;
  if (stopReason === 'max_tokens') return strings.cutShort;
  if (stopReason === 'refusal') return strings.refusals[refusal?.category as RefusalKind] ?? strings.declined; // the set is open
  return status === 'done' && isBlank(content) ? strings.nothingSaid : undefined;
}

/** The address of a page that is served by this machine: whoever sees it can list it. */
function developersOrigin(): string | undefined {
  const { location } = globalThis as { location?: { readonly hostname: string; readonly origin: string } };
  return location && LOOPBACK.test(location.hostname) ? location.origin : undefined;
}

const LOOPBACK = /^(?:(?:.+\.)?localhost|127\.[\d.]+|\[::1\])$/;
