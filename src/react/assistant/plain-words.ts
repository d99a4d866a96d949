/** What is said of a failure. From its code alone: messages are for developers. */
import type { DashErrorCode, Failure } from '../../client/dash-error.ts';
import type { AssistantStrings, FailureKind } from './strings.ts';

const KINDS: Readonly<Record<DashErrorCode, FailureKind>> = {
  unauthorized: 'signIn',
  forbidden: 'forbidden',
  model_not_allowed: 'forbidden',
  quota_exceeded: 'quota',
  rate_limited: 'tooMany',
  too_many_streams: 'tooMany',
  too_many_connections: 'tooMany',
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
  method_not_allowed: 'refused',
  conflict: 'refused',
  unsupported: 'refused',
  upgrade_required: 'refused',
  upstream_refused: 'refused',
};

/** Of no use: the same would come again. */
const FINAL: readonly FailureKind[] = ['forbidden', 'quota', 'tooLong', 'refused', 'notSetUp'];

export interface FailureWords {
  readonly text: string;
  readonly canRetry: boolean;
}

/** `hasText`: some of the answer had arrived. */
export function describeFailure(
  { code, resetsAt }: Failure,
  strings: AssistantStrings,
  hasText: boolean,
): FailureWords {
  const kind = KINDS[code] ?? 'brokeOff'; // of a newer relay
  const sentences = [strings.errors[kind]];
  if (kind === 'quota' && resetsAt !== undefined) sentences.push(strings.quotaUntil(dateOf(resetsAt)));
  if (hasText) sentences.push(strings.kept);
  return { text: sentences.join(' '), canRetry: !FINAL.includes(kind) };
}

function dateOf(resetsAt: number): string {
  return new Date(resetsAt).toLocaleString(undefined, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    hour: 'numeric',
    minute: '2-digit',
  });
}
