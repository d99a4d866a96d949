/**
 * What is known of each model: how it thinks, what it accepts and refuses, how much it takes and gives, how long it
 * lives. Owns the models file (MODELS_FILE) and how a model is found in it; prices are in `pricing/`.
 */
import * as z from 'zod';
import { isDistinct, readJsonFile } from '../files/json-file.ts';
import { plainModelId } from '../protocol/model-id.ts';

export const EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;
export type Effort = (typeof EFFORTS)[number];

export type ThinkingType = 'adaptive' | 'enabled' | 'disabled' | 'between_tools';

/** Of a model whose pace is not known. */
export const USUAL_TOKENS_PER_SECOND = 60;

const count = z.int().positive();
const effort = z.enum(EFFORTS);
const thinkingType = z.enum(['adaptive', 'enabled', 'disabled', 'between_tools']);

const thinking = z
  .strictObject({
    /** Values of `thinking.type` that it accepts. */
    types: z.array(thinkingType).min(1),
    /** Whether it thinks where the field is left out. */
    byDefault: z.boolean(),
    /** How to turn thinking off: by that type, by leaving the field out, or not at all (null). */
    off: z.enum(['disabled', 'between_tools', 'omit']).nullable(),
    /** What it streams of its thinking where nothing is asked. */
    display: z.enum(['omitted', 'summarized']),
  })
  .refine(({ off, types }) => off === null || off === 'omit' || types.includes(off), {
    error: 'must be one of the accepted types, "omit" or null',
    path: ['off'],
  })
  .refine(({ off, byDefault }) => off !== 'omit' || !byDefault, {
    error: 'is not "omit" where a model thinks by default',
    path: ['off'],
  });

const effortLevels = z
  .strictObject({
    levels: z.array(effort).min(1),
    default: effort,
    /** Levels it refuses while thinking is off. */
    notWhenOff: z.array(effort).default([]),
  })
  .refine(({ levels, default: level }) => levels.includes(level), {
    error: 'must be one of the levels',
    path: ['default'],
  })
  .refine(({ levels, notWhenOff }) => levels.some((level) => !notWhenOff.includes(level)), {
    error: 'must leave one of the levels',
    path: ['notWhenOff'],
  });

const model = z.strictObject({
  ids: z.array(z.string().min(1)).min(1),
  thinking,
  /** Null where it knows no effort. */
  effort: effortLevels.nullable(),
  /** Its window: prompt and answer together. */
  contextTokens: count,
  maxOutputTokens: count,
  /** A prompt below is not cached, whatever is marked. */
  cacheFloorTokens: count,
  /** How fast it writes and thinks, roughly: only for estimates of what was thought until a call was cut. */
  tokensPerSecond: count.default(USUAL_TOKENS_PER_SECOND),
  /** Tokens of the same text, against the tokenizer of the models before 4.7. */
  tokenFactor: z.number().min(1).max(4),
  /** An image is scaled down to both. */
  images: z.strictObject({ longestEdgePixels: count, maxTokens: count }),
  /** `prefill`: a conversation that ends with the assistant's words. `sampling`: temperature and its like. `outputFormat`: answers by a schema. */
  refuses: z.array(z.enum(['prefill', 'sampling', 'forcedTools', 'outputFormat'])),
  /** Whether the API asks others where it declines: `default` by its own choice alone, `named` also those it is given. */
  refusalFallbacks: z.enum(['none', 'default', 'named']).default('none'),
  lifecycle: z.strictObject({
    state: z.enum(['active', 'legacy', 'deprecated', 'retired']),
    /** From the beginning of this day (UTC) on it does not answer any more. */
    retiresOn: z.iso
      .date()
      .transform((date) => Date.parse(`${date}T00:00:00Z`))
      .optional(),
  }),
});

const modelsFile = z
  .strictObject({
    version: z.string().min(1).max(64),
    notes: z.string().optional(),
    /** Other names for models, wherever one is named: `sonnet`, or an id of long ago. */
    aliases: z.record(z.string().min(1), z.string().min(1)).default({}),
    models: z
      .array(model)
      .min(1)
      .refine((models) => isDistinct(models.flatMap(({ ids }) => ids)), 'must name each model once'),
  })
  .superRefine(({ aliases, models }, context) => {
    const ids = new Set(models.flatMap((each) => each.ids));
    for (const [alias, id] of Object.entries(aliases)) {
      const path = ['aliases', alias];
      if (ids.has(alias)) context.addIssue({ code: 'custom', path, message: 'is the id of a model itself' });
      if (!ids.has(id))
        context.addIssue({ code: 'custom', path, message: `"${id}" is no model of this file` });
    }
  });

export type ModelFacts = Omit<z.output<typeof model>, 'ids'>;

/** What is asked of models by id: the table, or what is known besides. */
export type Models = Pick<ModelTable, 'find' | 'resolve' | 'answers'>;

/** The table that ships with the relay. */
const SHIPPED = new URL('../../config/models.json', import.meta.url);

export class ModelTable {
  readonly version: string;
  readonly #facts: ReadonlyMap<string, ModelFacts>;
  readonly #aliases: ReadonlyMap<string, string>;

  private constructor({ version, models, aliases }: z.output<typeof modelsFile>) {
    this.version = version;
    this.#aliases = new Map(Object.entries(aliases));
    this.#facts = new Map(models.flatMap(({ ids, ...facts }) => ids.map((id) => [id, facts] as const)));
  }

  /**
   * Reads and checks a models file; without a name the shipped one.
   * @throws Error naming the file and everything that is wrong in it
   */
  static load(file: string | URL = SHIPPED): ModelTable {
    return new ModelTable(readJsonFile('models', file, modelsFile));
  }

  /** Ids as they stand in the file. */
  get ids(): readonly string[] {
    return [...this.#facts.keys()];
  }

  /** The id that an alias stands for; any other name as it is. */
  resolve(name: string): string {
    return this.#aliases.get(name) ?? name;
  }

  /**
   * What is known of it; undefined for a model that is not in the table.
   * @param id also with a date or a gateway's decoration (`us.anthropic.claude-sonnet-5-5-v1:0`)
   */
  find(id: string): ModelFacts | undefined {
    return this.#facts.get(id) ?? this.#facts.get(plainModelId(id));
  }

  /** Whether it is not known to be retired at that instant (Unix ms). */
  answers(id: string, now: number): boolean {
    const { state, retiresOn = Infinity } = this.find(id)?.lifecycle ?? {};
    return state !== 'retired' && now < retiresOn;
  }
}
