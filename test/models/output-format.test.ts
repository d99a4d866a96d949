import { describe, expect, it } from 'vitest';
import { outputFormat } from '../../src/models/output-format.ts';

const problemsOf = (schema: object) => {
  const { error } = outputFormat.safeParse({ type: 'json_schema', schema });
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
};
const objectOf = (properties: object, more: object = {}) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
});

const twice = (levels: number) =>
  Object.fromEntries(
    Array.from({ length: levels }, (_, at) => [
      `d${at}`,
      at === levels - 1
        ? { type: 'string' }
        : objectOf({ left: { $ref: `#/$defs/d${at + 1}` }, right: { $ref: `#/$defs/d${at + 1}` } }),
    ]),
  );
const nested = (levels: number): object =>
  levels === 0 ? { type: 'string' } : objectOf({ a: nested(levels - 1) });

describe('a schema that the API takes', () => {
  it.each<[string, object]>([
    [
      'a flat object',
      objectOf({ mark: { type: 'integer' }, why: { type: ['string', 'null'] } }, { required: ['mark'] }),
    ],
    [
      'lists of objects',
      objectOf({ steps: { type: 'array', minItems: 1, items: objectOf({ a: { const: 1 } }) } }),
    ],
    [
      'alternatives and values',
      { anyOf: [objectOf({ kind: { enum: ['a', 1, null] } }), { type: 'string', format: 'date' }] },
    ],
    [
      'definitions, used twice',
      objectOf(
        { a: { $ref: '#/$defs/word' }, b: { $ref: '#/$defs/word' } },
        { $defs: { word: objectOf({ text: { type: 'string', description: 'at most 20 letters' } }) } },
      ),
    ],
    [
      'definitions, each of which uses the next one twice',
      objectOf({ a: { $ref: '#/$defs/d0' } }, { $defs: twice(40) }),
    ],
    ['a deep one', nested(50)],
    [
      'properties with the names of keywords',
      objectOf({ minimum: { type: 'number' }, oneOf: { type: 'string' } }),
    ],
  ])('%s', (_, schema) => {
    expect(problemsOf(schema)).toEqual([]);
  });
});

describe('a schema that the API would refuse', () => {
  it.each<[string, object, string]>([
    [
      'an open object',
      { type: 'object', properties: {} },
      'schema: is an object, and must have "additionalProperties": false',
    ],
    [
      'an open object within',
      objectOf({ list: { type: 'array', items: { type: ['object', 'null'] } } }),
      'schema.properties.list.items: is an object, and must have "additionalProperties": false',
    ],
    ['one of thousands of levels', nested(3000), 'schema: is nested deeper than 100 levels: make it flatter'],
    [
      'alternatives that are no list',
      objectOf({ a: { anyOf: { type: 'string' } } }),
      'schema.properties.a.anyOf: must be a list of schemas, one at least',
    ],
    [
      'no alternatives',
      objectOf({ a: { allOf: [] } }),
      'schema.properties.a.allOf: must be a list of schemas, one at least',
    ],
    [
      'a bound',
      objectOf({ mark: { type: 'integer', maximum: 5 } }),
      'schema.properties.mark.maximum: is not taken by the API; say it in "description"',
    ],
    [
      'more items than one',
      { type: 'array', items: { type: 'string' }, minItems: 2 },
      'schema.minItems: must be 0 or 1; say more in "description"',
    ],
    [
      'oneOf',
      { anyOf: [{ oneOf: [], type: 'string' }] },
      'schema.anyOf.0.oneOf: is not taken by the API; use "anyOf"',
    ],
    [
      'nothing said',
      objectOf({ a: { description: 'anything' } }),
      'schema.properties.a: must say what it is: by one of type, enum, const, anyOf, allOf, $ref',
    ],
    [
      'a type that is none',
      { type: 'text' },
      'schema.type: must be of object, array, string, integer, number, boolean, null',
    ],
    [
      'a property that is no schema',
      objectOf({ a: 'string' }),
      'schema.properties.a: must be a schema: an object',
    ],
    ['properties that are none', objectOf([]), 'schema.properties: must be an object of schemas'],
    [
      'a required one that is not there',
      objectOf({ a: { type: 'null' } }, { required: ['a', 'b'] }),
      'schema.required: names what is none of the properties: b',
    ],
    [
      'an unknown format',
      { type: 'string', format: 'phone' },
      'schema.format: must be one of date-time, time, date, duration, email, hostname, uri, ipv4, ipv6, uuid',
    ],
    ['objects as values', { enum: [{}] }, 'schema.enum: must be a list of texts, numbers, booleans or null'],
    [
      'a reference elsewhere',
      { $ref: 'https://example.org/a.json' },
      'schema.$ref: must be "#/$defs/NAME" of this schema',
    ],
    [
      'a reference to nothing',
      { $ref: '#/$defs/a', $defs: {} },
      'schema.$ref: must be "#/$defs/NAME" of this schema',
    ],
    [
      'one that contains itself',
      objectOf(
        { a: { $ref: '#/$defs/b' } },
        { $defs: { b: objectOf({ c: { type: 'array', items: { $ref: '#/$defs/b' } } }) } },
      ),
      'schema: is recursive, which the API refuses; write out as many levels as are wanted',
    ],
  ])('%s is named by its place', (_, schema, problem) => {
    expect(problemsOf(schema)).toEqual([problem]);
  });

  it('is no format but JSON by a schema', () => {
    expect(outputFormat.safeParse({ type: 'text' }).success).toBe(false);
    expect(outputFormat.safeParse({ type: 'json_schema', schema: [] }).success).toBe(false);
  });
});
