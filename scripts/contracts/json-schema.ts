/** Schemas of zod as JSON Schema (2020-12), the named ones as components that refer to each other. */
import * as z from 'zod';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** Where both documents have their schemas. */
const COMPONENTS = '#/components/schemas/';

export function refTo(name: string): JsonSchema {
  return { $ref: COMPONENTS + name };
}

/** Of the components those that a document refers to, in their order, with all that these refer to. */
export function reachedFrom(
  document: unknown,
  components: Readonly<Record<string, JsonSchema>>,
): Readonly<Record<string, JsonSchema>> {
  const reached = new Set(namesIn(document));
  // Grows as it is read.
  for (const name of reached) for (const next of namesIn(components[name])) reached.add(next);
  return Object.fromEntries(Object.entries(components).filter(([name]) => reached.has(name)));
}

function namesIn(value: unknown): readonly string[] {
  const references = (JSON.stringify(value) ?? '').matchAll(/"#\/components\/schemas\/(\w+)"/g);
  return Array.from(references, ([, name = '']) => name);
}

/** One of several components, told apart by the value of a field. */
export function oneOf(field: string, names: Readonly<Record<string, string>>): JsonSchema {
  const mapping = Object.fromEntries(
    Object.entries(names).map(([value, name]) => [value, COMPONENTS + name]),
  );
  return { oneOf: Object.values(names).map(refTo), discriminator: { propertyName: field, mapping } };
}

/**
 * The schemas by name, in that order. Where one is part of another, it is referred to.
 * @param sentBy `client`: the relay refuses fields it does not know. `relay`: a later release may send more of them, so that
 *   nothing is said of others
 */
export function componentsOf(
  schemas: Readonly<Record<string, z.ZodType>>,
  sentBy: 'client' | 'relay',
): Readonly<Record<string, JsonSchema>> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const generated = z.toJSONSchema(registry, {
    uri: (id) => COMPONENTS + id,
    override: ({ jsonSchema }) => tidy(jsonSchema, sentBy),
  });
  return Object.fromEntries(
    Object.keys(schemas).map((name) => {
      const { $schema: _, $id: __, ...schema } = generated.schemas[name] ?? {};
      return [name, schema];
    }),
  );
}

function tidy(schema: z.core.JSONSchema.BaseSchema, sentBy: 'client' | 'relay'): void {
  if (sentBy === 'relay' && schema.additionalProperties === false) delete schema.additionalProperties;
  // That names of fields are text is so of all JSON.
  if (JSON.stringify(schema.propertyNames) === '{"type":"string"}') delete schema.propertyNames;
  if (schema.type !== 'integer') return;
  // The bounds of what a double holds exactly are no bounds of ours; that it may need more than 32 bits is to be said.
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) {
    delete schema.maximum;
    schema.format = 'int64';
  }
}
