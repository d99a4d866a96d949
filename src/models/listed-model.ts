/** A model as the Models API describes it, as far as that is understood: fields that are not are as if they were absent. */
import * as z from 'zod';
import { EFFORTS, type Effort, type ThinkingType } from './model-table.ts';

const THINKING_TYPES = ['adaptive', 'enabled', 'disabled', 'between_tools'] as const satisfies ThinkingType[];

const supported = z
  .object({ supported: z.boolean() })
  .transform((capability) => capability.supported)
  .catch(false);
const tokens = z.int().positive().nullable().catch(null);

const capabilities = z.object({
  thinking: z
    .object({ types: z.record(z.string(), supported) })
    .transform(({ types }): readonly ThinkingType[] => THINKING_TYPES.filter((type) => types[type]))
    .nullable()
    .catch(null),
  effort: z
    .record(z.string(), z.unknown())
    .transform((effort): readonly Effort[] =>
      supported.parse(effort) ? EFFORTS.filter((level) => supported.parse(effort[level])) : [],
    )
    .nullable()
    .catch(null),
});

const listedModel = z
  .object({
    id: z.string().regex(/^[\w.:/@-]{1,128}$/),
    lifecycle: z.enum(['active', 'deprecated', 'retired']).nullable().catch(null),
    retires_at: z.iso
      .datetime({ offset: true })
      .transform((instant) => Date.parse(instant))
      .nullable()
      .catch(null),
    max_input_tokens: tokens,
    max_tokens: tokens,
    capabilities: capabilities.nullable().catch(null),
  })
  .transform(({ id, lifecycle, ...model }) => ({
    id,
    /** Null where it is none that is known. */
    lifecycle,
    /** Unix ms; null where no end is set. */
    retiresAt: model.retires_at,
    contextTokens: model.max_input_tokens,
    maxOutputTokens: model.max_tokens,
    /** Values of `thinking.type` that it accepts. */
    thinkingTypes: model.capabilities?.thinking ?? null,
    /** Rising; none where it knows no effort. */
    efforts: model.capabilities?.effort ?? null,
  }));

export type ListedModel = z.output<typeof listedModel>;

/** Those that are models, of what the API listed. */
export function listedModels(entries: readonly unknown[]): readonly ListedModel[] {
  return entries.flatMap((entry) => listedModel.safeParse(entry).data ?? []);
}
