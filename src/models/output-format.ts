/**
 * The format of an answer: JSON by a schema. Owns what the API takes of JSON Schema, which is less than there is of it, so
 * that a schema it would refuse of every user is refused at the start.
 */
import * as z from 'zod';
import type { ModelFacts } from './model-table.ts';
import type { Unusable } from './thinking.ts';

/** As the API's `output_config.format` has it. */
export interface OutputFormat {
  readonly type: 'json_schema';
  readonly schema: Readonly<Record<string, unknown>>;
}

export const outputFormat = z
  .strictObject({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) })
  .superRefine(({ schema }, context) => {
    for (const { path, message } of schemaProblems(schema))
      context.addIssue({ code: 'custom', path: ['schema', ...path], message });
  });

/** What of a schema the API would refuse, or not hold a model to. */
export function schemaProblems(schema: Schema): readonly SchemaProblem[] {
  return new SchemaCheck(schema).problems;
}

/** Where the model of an action gives none. */
export function unusableFormat(model: ModelFacts | undefined, format: OutputFormat | undefined): Unusable[] {
  if (format === undefined || model?.refuses.includes('outputFormat') !== true) return [];
  return [
    { key: 'outputFormat', why: 'it gives no answers by a schema; leave it out, or name a model that does' },
  ];
}

export interface SchemaProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

export type Schema = Readonly<Record<string, unknown>>;

const TYPES: readonly unknown[] = ['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'];
const FORMATS: readonly unknown[] = [
  ...['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid'],
];
/** One of them says what a value is. */
const KINDS = ['type', 'enum', 'const', 'anyOf', 'allOf', '$ref'];
/** Bounds that the API does not hold a model to. */
const UNSUPPORTED = [
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...[
    'maxItems',
    'uniqueItems',
    'contains',
    'prefixItems',
    'minProperties',
    'maxProperties',
    'patternProperties',
  ],
  ...['propertyNames', 'not', 'if', 'then', 'else'],
];
const DEFINITIONS = ['$defs', 'definitions'] as const;
const ALTERNATIVES = ['anyOf', 'allOf'] as const;
/** Far more than an answer of people's has. */
const MOST_LEVELS = 100;

class SchemaCheck {
  readonly problems: SchemaProblem[] = [];
  readonly #root: Schema;

  constructor(root: Schema) {
    this.#root = root;
    this.#check(root, []);
    if (this.problems.length === 0 && this.#isRecursive(root))
      this.#refuse([], 'is recursive, which the API refuses; write out as many levels as are wanted');
  }

  #refuse(path: readonly PropertyKey[], message: string): void {
    this.problems.push({ path, message });
  }

  #check(schema: unknown, path: readonly PropertyKey[], level = 1): void {
    if (!isSchema(schema)) {
      this.#refuse(path, 'must be a schema: an object');
      return;
    }
    if (level > MOST_LEVELS) {
      this.#refuse([], `is nested deeper than ${MOST_LEVELS} levels: make it flatter`);
      return;
    }
    if (!KINDS.some((key) => key in schema))
      this.#refuse(path, `must say what it is: by one of ${KINDS.join(', ')}`);
    for (const key of UNSUPPORTED)
      if (key in schema) this.#refuse([...path, key], 'is not taken by the API; say it in "description"');
    for (const key of ALTERNATIVES)
      if (key in schema && (!Array.isArray(schema[key]) || schema[key].length === 0))
        this.#refuse([...path, key], 'must be a list of schemas, one at least');
    if ('oneOf' in schema) this.#refuse([...path, 'oneOf'], 'is not taken by the API; use "anyOf"');
    for (const type of [schema['type'] ?? []].flat())
      if (!TYPES.includes(type)) this.#refuse([...path, 'type'], `must be of ${TYPES.join(', ')}`);
    this.#checkObject(schema, path);
    this.#checkValues(schema, path);
    this.#checkReference(schema, path);
    for (const [inner, at] of innerSchemas(schema)) this.#check(inner, [...path, ...at], level + 1);
  }

  #checkObject(schema: Schema, path: readonly PropertyKey[]): void {
    if (!isOf(schema, 'object')) return;
    if (schema['additionalProperties'] !== false)
      this.#refuse(path, 'is an object, and must have "additionalProperties": false');
    const { properties = {}, required = [] } = schema;
    const names = isSchema(properties) ? Object.keys(properties) : [];
    if (!isSchema(properties)) this.#refuse([...path, 'properties'], 'must be an object of schemas');
    const unknown = [required].flat().filter((name) => !names.includes(String(name)));
    if (unknown.length > 0)
      this.#refuse([...path, 'required'], `names what is none of the properties: ${unknown.join(', ')}`);
  }

  #checkValues(schema: Schema, path: readonly PropertyKey[]): void {
    const { format, minItems, enum: values } = schema;
    if (isOf(schema, 'string') && format !== undefined && !FORMATS.includes(format))
      this.#refuse([...path, 'format'], `must be one of ${FORMATS.join(', ')}`);
    if (minItems !== undefined && minItems !== 0 && minItems !== 1)
      this.#refuse([...path, 'minItems'], 'must be 0 or 1; say more in "description"');
    if (values === undefined) return;
    if (!Array.isArray(values) || values.length === 0 || values.some((value) => value instanceof Object))
      this.#refuse([...path, 'enum'], 'must be a list of texts, numbers, booleans or null');
  }

  #checkReference({ $ref: reference }: Schema, path: readonly PropertyKey[]): void {
    if (reference !== undefined && this.#referred(reference) === undefined)
      this.#refuse([...path, '$ref'], 'must be "#/$defs/NAME" of this schema');
  }

  #referred(reference: unknown): unknown {
    const [, place = '', name = ''] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(String(reference)) ?? [];
    const definitions = this.#root[place];
    return isSchema(definitions) && Object.hasOwn(definitions, name) ? definitions[name] : undefined;
  }

  /** @param within the schemas that this one stands in @param checked those that are known not to be */
  #isRecursive(schema: unknown, within = new Set<unknown>(), checked = new Set<unknown>()): boolean {
    if (!isSchema(schema) || checked.has(schema)) return false;
    if (within.has(schema)) return true;
    const inner = innerSchemas(schema).filter(([, [key]]) => key !== '$defs' && key !== 'definitions');
    const next = [this.#referred(schema['$ref']), ...inner.map(([each]) => each)];
    within.add(schema);
    const isRecursive = next.some((each) => this.#isRecursive(each, within, checked));
    within.delete(schema);
    checked.add(schema);
    return isRecursive;
  }
}

/** The schemas that stand in one, with their place in it. */
export function innerSchemas(schema: Schema): (readonly [unknown, readonly [string, ...PropertyKey[]]])[] {
  const named = ['properties', ...DEFINITIONS].flatMap((key) =>
    isSchema(schema[key])
      ? Object.entries(schema[key]).map(([name, each]) => [each, [key, name]] as const)
      : [],
  );
  const listed = ALTERNATIVES.flatMap((key) =>
    Array.isArray(schema[key]) ? schema[key].map((each: unknown, at) => [each, [key, at]] as const) : [],
  );
  return [...named, ...listed, ...('items' in schema ? [[schema['items'], ['items']] as const] : [])];
}

function isOf(schema: Schema, type: string): boolean {
  return [schema['type']].flat().includes(type);
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
