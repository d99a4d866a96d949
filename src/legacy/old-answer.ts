/** The ending of a run, or an error, as each of the old functions answered it. */

import type { ErrorCode } from '../protocol/codes.ts';
import type { CancelledFrame, DoneFrame, Usage } from '../protocol/frames.ts';
import type { RelayError } from '../protocol/relay-error.ts';
import type { OldFunction } from './old-body.ts';

/** @param text all text of the run */
export function oldAnswer(of: OldFunction, ending: DoneFrame | CancelledFrame, text: string): object {
  const { usage } = ending;
  const content = isDiscarded(ending) ? '' : text;
  const model = ending.type === 'done' ? { model: ending.model } : {};
  const stop_reason = ending.type === 'done' ? ending.stopReason : 'cancelled';
  if (of === 'ai-gateway')
    return { content, usage: apiUsage(usage), cost: usage.costUsd ?? null, stop_reason, ...model };
  return {
    success: true,
    content,
    usage: proxyUsage(usage),
    ...model,
    generated_images: [],
    tool_results: [],
    pending_tool_calls: [],
    stop_reason,
  };
}

/** What came ahead of a refusal is to be discarded, and callers of that time know nothing of it. */
export function isDiscarded(ending: DoneFrame | CancelledFrame): boolean {
  return ending.type === 'done' && ending.refusal?.partial === true;
}

/** As the Messages API has it. */
function apiUsage({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Usage): object {
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cache_read_input_tokens: cacheReadTokens,
    cache_creation_input_tokens: cacheWriteTokens,
  };
}

function proxyUsage(usage: Usage): object {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costUsd } = usage;
  const tokens_in = inputTokens + cacheReadTokens + cacheWriteTokens;
  return { tokens_in, tokens_out: outputTokens, ...(costUsd === undefined ? {} : { cost: costUsd }) };
}

/**
 * The body of an error's answer.
 * @param tier of whoever asked; null where nobody is known, or no tier
 */
export function oldError(of: OldFunction, error: RelayError, tier: string | null): object {
  const named = { error: ERROR_NAMES[of][error.code] ?? error.code, message: error.message };
  const denied = error.code === 'model_not_allowed' ? { tier, available_model: error.availableModel } : {};
  if (of === 'ai-gateway') return { ...named, ...error.quota, ...denied };
  const { waitMs } = error;
  const seconds = waitMs === undefined ? undefined : Math.ceil(waitMs / 1000);
  return {
    ...named,
    error_code: proxyCode(error),
    retryable: error.retryable,
    ...(seconds === undefined ? {} : { retry_after_seconds: seconds }),
    ...(error.quota === undefined ? {} : { details: quotaDetails(error.quota, tier) }),
    ...denied,
  };
}

/** The old functions' names where they have one; any other code keeps its own. */
const ERROR_NAMES: Readonly<Record<OldFunction, Partial<Record<ErrorCode, string>>>> = {
  'ai-gateway': { model_not_allowed: 'model_access_denied' },
  'ai-proxy': {
    bad_request: 'invalid_request',
    unknown_action: 'invalid_request',
    too_large: 'invalid_request',
    model_not_allowed: 'model_access_denied',
    upstream_reset: 'provider_error',
    upstream_truncated: 'provider_error',
    upstream_error: 'provider_error',
    upstream_refused: 'provider_error',
    upstream_account: 'provider_error',
    upstream_overloaded: 'provider_error',
    upstream_rate_limited: 'provider_error',
    upstream_timeout: 'provider_error',
    internal: 'ai_proxy_error',
  },
};

/** One of four classes, by which the app chose its words. */
function proxyCode({ code, status }: RelayError): string {
  if (code === 'quota_exceeded') return code;
  if (status === 429 || code === 'upstream_rate_limited') return 'provider_rate_limited';
  return status >= 500 && status !== 501 ? 'provider_unavailable' : 'invalid_request';
}

function quotaDetails({ used, limit, resetsAt }: NonNullable<RelayError['quota']>, tier: string | null) {
  return { allowed: false, usage_count: used, limit, tier, resets_at: new Date(resetsAt).toISOString() };
}
