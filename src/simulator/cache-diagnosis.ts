/**
 * Where a prompt differs from that of an earlier message, so that the cache could not be read: `diagnostics` of a
 * response. It keeps hashes of the latest prompts, no words.
 */
import { hash } from 'node:crypto';
import type { CachedPrompt } from './prompt-cache.ts';
import type { PromptBlock } from './request/prompt.ts';

/** `cache_miss_reason`, as the API has it. */
export type CacheDivergence =
  | { readonly type: 'previous_message_not_found' | 'unavailable' }
  | {
      readonly type: 'model_changed' | 'system_changed' | 'tools_changed' | 'messages_changed';
      /** About as many as would have been read. */
      readonly cache_missed_input_tokens: number;
    };

interface Fingerprint {
  readonly scope: string;
  readonly messagesScope: string;
  readonly system: string;
  readonly tools: string;
  readonly messages: readonly { readonly key: string; readonly tokens: number }[];
  readonly tokens: number;
}

const KEPT = 1_000;

export class CacheDiagnosis {
  readonly #kept = new Map<string, Fingerprint>();

  /** Keeps the prompt that this message answered. */
  remember(messageId: string, prompt: CachedPrompt): void {
    this.#kept.delete(messageId);
    this.#kept.set(messageId, fingerprintOf(prompt));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
  }

  /** @param previous id of the message to compare with; without one nothing is compared */
  compare(prompt: CachedPrompt, previous: string | null | undefined): CacheDivergence | null {
    if (previous === undefined || previous === null) return null;
    const before = this.#kept.get(previous);
    if (before === undefined) return { type: 'previous_message_not_found' };
    return divergenceOf(before, fingerprintOf(prompt));
  }
}

function divergenceOf(before: Fingerprint, now: Fingerprint): CacheDivergence | null {
  const all = { cache_missed_input_tokens: before.tokens };
  if (before.scope !== now.scope) return { type: 'model_changed', ...all };
  if (before.system !== now.system) return { type: 'system_changed', ...all };
  if (before.tools !== now.tools) return { type: 'tools_changed', ...all };
  const at = before.messages.findIndex(({ key }, i) => key !== now.messages[i]?.key);
  if (at !== -1) {
    const missed = before.messages.slice(at).reduce((sum, { tokens }) => sum + tokens, 0);
    return { type: 'messages_changed', cache_missed_input_tokens: missed };
  }
  return before.messagesScope === now.messagesScope ? null : { type: 'unavailable' };
}

function fingerprintOf({ blocks, scope, messagesScope }: CachedPrompt): Fingerprint {
  const of = (section: PromptBlock['section']) => blocks.filter((block) => block.section === section);
  const keyOf = ({ content }: PromptBlock) => hash('sha256', content);
  const sectionKey = (section: PromptBlock['section']) => of(section).map(keyOf).join();
  return {
    scope,
    messagesScope,
    system: sectionKey('system'),
    tools: sectionKey('tools'),
    messages: of('messages').map((block) => ({ key: keyOf(block), tokens: block.tokens })),
    tokens: blocks.reduce((sum, { tokens }) => sum + tokens, 0),
  };
}
