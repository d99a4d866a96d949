/**
 * The input of a tool: what its schema cannot have since each input is checked by it here, beside what the API takes of
 * JSON Schema (output-format.ts), and the check itself.
 */
import * as z from 'zod';
import { innerSchemas, isSchema, type Schema, type SchemaProblem } from './output-format.ts';

/** What no input could be checked by. To be asked of a schema that the API takes. */
export function toolInputProblems(
  schema: Schema,
  path: readonly PropertyKey[] = [],
): readonly SchemaProblem[] {
  const { properties, pattern, const: constant } = schema;
  const problems: SchemaProblem[] = [];
  const refuse = (at: string, message: string): void => {
    problems.push({ path: [...path, at], message });
  };
  // How long an expression searches is not known before some input makes it search for ever.
  if (pattern !== undefined)
    refuse('pattern', 'is not taken: say it in "description", and check it in the tool');
  if (constant instanceof Object) refuse('const', 'must be a text, a number, a boolean or null');
  for (const name of Object.keys(isSchema(properties) ? properties : {}))
    if (name in Object.prototype)
      refuse('properties', `"${name}" is a name that every object has; give the property another one`);
  const inner = innerSchemas(schema).flatMap(([each, at]) =>
    isSchema(each) ? toolInputProblems(each, [...path, ...at]) : [],
  );
  return [...problems, ...inner];
}

/** @throws Error saying what of the schema inputs cannot be checked by */
export function toolInput(schema: Schema): z.ZodType {
  // By its dialect definitions are looked for under one key alone, and people mix them.
  const { $schema: _, ...rest } = schema;
  const checked = JSON.parse(JSON.stringify(rest), (_key, each: unknown) =>
    isSchema(each) && each['format'] === 'uuid' ? { ...each, format: undefined, pattern: UUID } : each,
  ) as Schema;
  return z.fromJSONSchema(checked, { defaultTarget: '$defs' in rest ? 'draft-2020-12' : 'draft-7' });
}

/** Of every version and none: apps have made up theirs. */
const UUID = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
