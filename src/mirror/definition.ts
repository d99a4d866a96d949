/**
 * Which table of the app runs are mirrored into, and what its columns get: MIRROR_FILE, or the shipped file.
 * Owns the file's shape. Does not know the table itself: that is `check.ts`.
 */
import * as z from 'zod';
import { readJsonFile } from '../files/json-file.ts';
import { FIELDS } from './fields.ts';

const SHIPPED = new URL('../../config/mirror.json', import.meta.url);
const NAME = '[A-Za-z_][A-Za-z0-9_$]{0,62}';

const IS_NAME = new RegExp(`^${NAME}$`);

/** Values by the columns of the app's table. */
function byColumn<Value extends z.ZodType>(value: Value) {
  return z
    .record(z.string(), value)
    .refine(
      (columns) => Object.keys(columns).every((name) => IS_NAME.test(name)),
      'must be by names of columns',
    );
}

const qualified = (what: string) =>
  z
    .string()
    .regex(new RegExp(`^${NAME}\\.${NAME}$`), `must be ${what} with its schema, such as public.ai_usage`);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const constant = z.union([scalar, z.record(z.string(), z.json()), z.array(z.json())]);

const SOURCE = `must be {"value": …}, {"field": …, "map": {…}, "otherwise": …}, or one of the fields ${Object.keys(FIELDS).join(', ')}`;
const field = z.string().refine((name) => Object.hasOwn(FIELDS, name), SOURCE);
const source = z.union(
  [
    field.transform((name) => ({ field: name })),
    z.strictObject({ field, map: z.record(z.string(), scalar).optional(), otherwise: scalar.optional() }),
    z.strictObject({ value: constant }),
  ],
  SOURCE,
);

const definition = z.strictObject({
  table: qualified('a table'),
  columns: byColumn(source).refine(
    (columns) => Object.keys(columns).length > 0,
    'must name at least one column',
  ),
  defaults: byColumn(constant).default({}),
  simulated: z.union([z.literal('skip'), byColumn(constant)]).default({}),
  counters: qualified('a function').optional(),
});

/** The file as it is written, for the database to keep. */
export type MirrorFile = z.input<typeof definition>;
/** What one column gets: a field of the run, maybe by other words, or the same value for each. */
export type MirrorSource = z.output<typeof source>;

/** What is mirrored, and how. */
export interface MirrorDefinition {
  /** `schema.table` */
  readonly table: string;
  /** By the app's column. */
  readonly columns: Readonly<Record<string, MirrorSource>>;
  /** What a column gets where its source has no value. */
  readonly defaults: Readonly<Record<string, Constant>>;
  /** What a column gets for a simulated run in place of its source; `skip`: those are not mirrored. */
  readonly simulated: 'skip' | Readonly<Record<string, Constant>>;
  /** `schema.function`, called with each run. */
  readonly counters?: string | undefined;
}

export type Constant = z.output<typeof constant>;

/**
 * Reads a definition.
 * @param file the shipped one by default
 * @throws Error naming the file and everything that is wrong in it
 */
export function loadMirror(file: string | URL = SHIPPED): MirrorDefinition {
  return readJsonFile('mirror', file, definition);
}

/** One that a database kept. @throws Error where a newer release wrote it */
export function parseMirror(kept: unknown): MirrorDefinition {
  return definition.parse(kept);
}
