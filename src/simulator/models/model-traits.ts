/** What the API does differently from model to model, and the relay's own table does not say. */
import { plainModelId } from '../../protocol/model-id.ts';

/** `refused`: 400. `beta`: with the header of the beta. `ignored`: it runs at the standard speed. */
export type FastMode = 'taken' | 'beta' | 'ignored' | 'refused';

export interface ModelTraits {
  /** Whether it takes a temperature and its like by the versions before 2026-10-21. */
  readonly samples: boolean;
  /** Whether a message may have the role `system`. */
  readonly systemMessages: boolean;
  readonly fast: FastMode;
  /** Whether one may say where it runs. */
  readonly geo: boolean;
}

const BEFORE_4_6: ReadonlySet<string> = new Set(['claude-opus-4-5', 'claude-sonnet-4-5', 'claude-haiku-4-5']);
const SAMPLING: ReadonlySet<string> = new Set([...BEFORE_4_6, 'claude-opus-4-6', 'claude-sonnet-4-6']);
/** Of Haiku 5.5 and of Mythos nothing is written; they are taken as Sonnet 5 and Fable. */
const SYSTEM_MESSAGES = /^claude-(?:(?:fable|mythos)-5(?:-[12])?|opus-(?:4-8|5|5-5)|sonnet-5-5)$/;
const FAST: Readonly<Record<string, FastMode>> = {
  'claude-fable-5-2': 'taken',
  'claude-mythos-5-2': 'taken',
  'claude-opus-5-5': 'taken',
  'claude-opus-5': 'beta',
  'claude-opus-4-6': 'ignored',
};
/** Its fast mode ends before the model does. */
const OPUS_4_8 = { id: 'claude-opus-4-8', fastUntil: Date.UTC(2026, 10, 30) };

/** @param now Unix ms */
export function traitsOf(model: string, now: number): ModelTraits {
  if (!model.startsWith('claude-')) return { samples: true, systemMessages: true, fast: 'taken', geo: true };
  const id = plainModelId(model);
  const stillFast = id === OPUS_4_8.id && now < OPUS_4_8.fastUntil ? 'beta' : 'refused';
  return {
    samples: SAMPLING.has(id),
    systemMessages: SYSTEM_MESSAGES.test(id),
    fast: FAST[id] ?? stillFast,
    geo: !BEFORE_4_6.has(id),
  };
}
