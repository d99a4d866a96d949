/**
 * Tools of the operator's: what a model may ask for while it answers. Owns what an action says of them; the file is read
 * in `config/`, the model is told in `upstream/`, and they are called in `tools/`.
 */
import type * as z from 'zod';

/** What a tool can be told of whoever asks; by itself it is told nothing of them. */
export const ASKER_FIELDS = ['userHash', 'userId', 'organizationId', 'tier'] as const;
export type AskerField = (typeof ASKER_FIELDS)[number];

export interface Tool {
  /** As the model asks for it. */
  readonly name: string;
  /** For the model: what it does, and when to ask for it. */
  readonly description: string;
  /** JSON Schema of its input, an object. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** The same, as what a model asks for is checked by it. */
  readonly input: z.ZodType;
  /** Where it is called. */
  readonly url: string;
  /** For the whole call. */
  readonly timeoutMs: number;
  readonly sends: readonly AskerField[];
  /** For people, while it is called: `Looking in your lessons…`. */
  readonly label?: string | undefined;
}

/** An action's tools, as one run may use them. */
export interface ToolUse {
  readonly tools: readonly Tool[];
  /** How often the model may ask for some; then it has to answer. */
  readonly maxSteps: number;
  readonly action: string;
  /** Values for `sends`: no tool is told of more. */
  readonly asker: Readonly<Record<AskerField, string | null>>;
}
