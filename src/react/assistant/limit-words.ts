/** What a person is told of a limit that is near: what is left of it, whose it is, and when it begins anew. */
import type { QuotaState } from '../../client/index.ts';
import { dayAndTime } from './local-time.ts';
import type { AssistantStrings, LimitOf } from './strings.ts';

/** Questions are counted; of what is counted in tokens a child is told the share. */
export function limitWords(
  { of, scope, period, used, limit, resetsAt }: QuotaState,
  strings: AssistantStrings,
): string {
  const whose: LimitOf = { scope, period };
  const words =
    of === 'requests'
      ? strings.limitLeft(Math.max(0, limit - used), whose)
      : strings.limitUsed(Math.min(100, Math.floor((used / limit) * 100)), whose);
  return `${words} ${strings.limitResets(dayAndTime(resetsAt, strings.locale))}`;
}
