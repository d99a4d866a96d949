/** What the simulated model asks of a tool: an input that its schema takes, about what the question is about. */
import { type Fields, isFields } from '../request/fields.ts';

/** Where a schema says nothing of what it takes. */
const ANYTHING = { topic: 'Água & café', limit: 3 };
const LONGEST_WORDS = 80;

export function composeToolInput(schema: Fields, question: string): object {
  const { properties, required } = schema;
  if (!isFields(properties) || Object.keys(properties).length === 0)
    return schema.type === 'object' && properties !== undefined ? {} : ANYTHING;
  const wanted: readonly unknown[] = Array.isArray(required) ? required : [];
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => wanted.includes(name))
      .map(([name, of]) => [name, valueFor(of, question)]),
  );
}

function valueFor(schema: unknown, question: string): unknown {
  if (!isFields(schema)) return question;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] as unknown;
  const [type] = [schema.type].flat();
  switch (type) {
    case 'integer':
    case 'number':
      return 3;
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return [];
    case 'object':
      return composeToolInput(schema, question);
    default:
      return question.slice(0, LONGEST_WORDS).toWellFormed();
  }
}
