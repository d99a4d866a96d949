/**
 * Has a run's prompt counted while it is answered, and corrects what was reserved for it by an estimate. The run does not
 * wait for it, and aborts it when it ends.
 */
import type { Observer } from '../observability/port.ts';
import type { Quota } from '../quota/port.ts';
import type { TokenCount, Upstream, UpstreamRequest } from '../upstream/port.ts';

export interface PromptCountParts {
  readonly upstream: Upstream;
  readonly quota: Quota;
  readonly observer: Observer;
  /** Estimated tokens from which it is worth a request; 0: never (COUNT_TOKENS_ABOVE). */
  readonly countTokensAbove: number;
}

/** To be called once the call is open. Never throws. */
export function countPrompt(
  parts: PromptCountParts,
  request: UpstreamRequest,
  estimated: number,
  signal: AbortSignal,
): void {
  const { observer, countTokensAbove: above } = parts;
  const { epoch } = request;
  if (above === 0 || estimated <= above) return;
  correct(parts, request, signal).catch((cause: unknown) =>
    observer.failed({ what: 'count of a prompt', cause, epoch }),
  );
}

async function correct(
  { upstream, quota, observer }: PromptCountParts,
  request: UpstreamRequest,
  signal: AbortSignal,
): Promise<void> {
  const { epoch, model } = request;
  const count = await upstream.countTokens(request, signal);
  if (count.kind === 'counted') quota.correct(epoch, count.tokens);
  const cause = count.kind === 'failed' ? count.cause : undefined;
  observer.promptCounted({ epoch, model, outcome: outcomeOf(count), cause });
}

function outcomeOf(count: TokenCount) {
  return count.kind === 'counted' || count.kind === 'aborted' ? count.kind : count.reason;
}
