/**
 * Has a run's prompt counted while it is answered, and corrects what was reserved for it by an estimate. The run does not
 * wait for it, and aborts it when it ends.
 */
import type { Observer } from '../observability/port.ts';
import type { Quota } from '../quota/port.ts';
import type { TokenCount, Upstream, UpstreamCall, UpstreamRequest } from '../upstream/port.ts';

export interface PromptCountParts {
  readonly upstream: Upstream;
  readonly quota: Quota;
  readonly observer: Observer;
  /** Estimated tokens from which it is worth a request; 0: never (COUNT_TOKENS_ABOVE). */
  readonly countTokensAbove: number;
}

/** A call, with what was asked by it. */
export interface CountedCall {
  readonly call: UpstreamCall;
  readonly request: UpstreamRequest;
  readonly signal: AbortSignal;
}

/** @param estimated tokens of the prompt, as they were reserved. Never throws. */
export function countPrompt(parts: PromptCountParts, counted: CountedCall, estimated: number): void {
  const { observer, countTokensAbove: above } = parts;
  const { epoch } = counted.request;
  if (above === 0 || estimated <= above) return;
  correct(parts, counted).catch((cause: unknown) =>
    observer.failed({ what: 'count of a prompt', cause, epoch }),
  );
}

async function correct(
  { upstream, quota, observer }: PromptCountParts,
  { call, request, signal }: CountedCall,
): Promise<void> {
  const { caller, epoch, model } = request;
  await call.flushed; // on one connection they would share its way, and the first word wait for both
  const count = await upstream.countTokens(request, signal);
  if (count.kind === 'counted') quota.correct(epoch, count.tokens);
  const cause = count.kind === 'failed' ? count.cause : undefined;
  observer.promptCounted({ caller, epoch, model, outcome: outcomeOf(count), cause });
}

function outcomeOf(count: TokenCount) {
  return count.kind === 'counted' || count.kind === 'aborted' ? count.kind : count.reason;
}
