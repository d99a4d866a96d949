/**
 * The fields of an old body, read as leniently as the old functions did: unknown ones are ignored, numbers are text, and
 * null or nothing is absent. What is there and cannot be read is refused by its name.
 */
import { RelayError } from '../protocol/relay-error.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** @throws RelayError bad_request where it is no JSON object */
export function fieldsOf(value: unknown, name = 'the body'): Fields {
  if (isFields(value)) return value;
  throw new RelayError('bad_request', `${name}: a JSON object`);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The first of these fields that holds something.
 * @throws RelayError bad_request where it is neither text nor a number
 */
export function textIn(fields: Fields, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = valueIn(fields, name);
    if (value === undefined) continue;
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return String(value);
    throw new RelayError('bad_request', `${name}: a text`);
  }
  return undefined;
}

/** Text, a list or an object, as a list of texts. What is no text itself is written as JSON. */
export function listIn(fields: Fields, ...names: readonly string[]): readonly string[] {
  const name = names.find((each) => valueIn(fields, each) !== undefined);
  if (name === undefined) return [];
  const value = valueIn(fields, name);
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items.map(asText).filter((item) => item.trim() !== '');
}

export function flagIn(fields: Fields, name: string): boolean | undefined {
  const value = valueIn(fields, name);
  if (value === undefined || typeof value === 'boolean') return value;
  throw new RelayError('bad_request', `${name}: true or false`);
}

/** Undefined where it is absent, null or no word. */
export function valueIn(fields: Fields, name: string): unknown {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return value === null || value === '' ? undefined : value;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}
