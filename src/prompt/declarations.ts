/**
 * Parameters as the actions file declares them: their schema, and whether they and the places of the system prompt go
 * together. What would fail, or do nothing, at each request is refused at the start.
 */
import * as z from 'zod';
import { isDistinct } from '../files/json-file.ts';
import { MAX_PARAMETER_LENGTH, MAX_PARAMETERS, PARAMETER_NAME } from '../protocol/parameters.ts';
import {
  CHARACTER_CLASSES,
  DEFAULT_CHARACTERS,
  type Parameter,
  type Parameters,
  wanted,
} from './parameters.ts';
import { PLACE, type PromptTemplate } from './system-prompt.ts';

const MAX_VALUES = 200;
/** Visible ASCII that neither quotes nor marks up, so that no value can end the place that it fills. */
const FURTHER_SIGN = /^[!#$%&'()*+,\-./:;=?@_’]$/;

const value = z.string().min(1).max(MAX_PARAMETER_LENGTH);
const words = z.string().trim().min(1);
const common = { required: z.boolean().default(false), says: words.optional() };

/** Of a list, what is said is the value itself. */
const enumValues = z
  .union([
    z.array(value).refine(isDistinct, 'has a value twice; name each once'),
    z.record(value, words).transform((said) => Object.entries(said)),
  ])
  .refine(({ length }) => length > 0 && length <= MAX_VALUES, `must be 1 to ${MAX_VALUES} values`)
  .transform((list) => new Map(list.map((each) => (typeof each === 'string' ? [each, each] : each))));

const characters = z
  .array(
    z
      .string()
      .refine(
        (each) => Object.hasOwn(CHARACTER_CLASSES, each) || FURTHER_SIGN.test(each),
        `must be of ${Object.keys(CHARACTER_CLASSES).join(', ')}, or one sign of ! # $ % & ' ’ ( ) * + , - . / : ; = ? @ _`,
      ),
  )
  .refine(isDistinct, 'has an entry twice; name each once')
  .refine(
    (list) => list.includes('letters') || list.includes('digits'),
    'must have "letters" or "digits": a value begins with one',
  );

/** How long an expression searches is not known before some value makes it search for ever. */
const NO_PATTERN =
  'patterns are not taken; say what a value may be by "characters" and "maxLength", or list the values by "type": "enum"';
const strict = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' && issue.keys.includes('pattern') ? NO_PATTERN : undefined,
  });

const parameter = z.discriminatedUnion(
  'type',
  [
    strict({ type: z.literal('enum'), ...common, values: enumValues, default: z.string().optional() }),
    strict({
      type: z.literal('string'),
      ...common,
      maxLength: z.int().min(1).max(MAX_PARAMETER_LENGTH),
      characters: characters.default([...DEFAULT_CHARACTERS]),
      default: z.string().optional(),
    }),
    strict({
      type: z.literal('integer'),
      ...common,
      min: z.int(),
      max: z.int(),
      default: z.number().optional(),
    }).refine(({ min, max }) => min <= max, 'has a "min" above its "max"'),
    strict({
      type: z.literal('boolean'),
      ...common,
      values: z.strictObject({ true: words, false: words }).optional(),
      default: z.boolean().optional(),
    }),
  ],
  'must have a "type": "enum", "string", "integer" or "boolean"',
);

const NAME = 'must be 1 to 32 of A-Z, a-z, 0-9 and _, with a-z first';

/** `parameters` of an action. */
export const parameters = z
  .record(z.string().regex(PARAMETER_NAME), parameter, {
    error: ({ code }) => (code === 'invalid_key' ? NAME : undefined),
  })
  .refine((all) => Object.keys(all).length <= MAX_PARAMETERS, `at most ${MAX_PARAMETERS}`)
  .transform((all): Parameters => new Map(Object.entries(all)));

interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** Where an action's prompt and its parameters do not go together, and what would be right. */
export function templateProblems({ system, parameters = new Map() }: PromptTemplate): readonly Problem[] {
  const places = placesOf(system);
  return [
    ...spacedPlaces(system).map((message) => ({ path: ['system'], message })),
    ...[...places]
      .filter((name) => !parameters.has(name))
      .map((name) => ({
        path: ['system'],
        message: `{{${name}}} is none of its parameters; declare it in "parameters", or write it without double braces`,
      })),
    ...[...parameters].flatMap(([name, each]) =>
      [...placeProblems(name, each, places.has(name)), ...wordProblems(each), ...defaultProblems(each)].map(
        (message) => ({
          path: ['parameters', name],
          message,
        }),
      ),
    ),
  ];
}

function placesOf(text: string): Set<string> {
  return new Set([...text.matchAll(PLACE)].map(([, name = '']) => name));
}

/** As other template languages have it; here it would be said to the model as it stands. */
function spacedPlaces(text: string): string[] {
  return [...text.matchAll(/\{\{(?:\s+(\w+)\s*|(\w+)\s+)\}\}/g)].map(
    ([place, left, right]) => `${place.replaceAll(/\s+/g, ' ')} is no place; write {{${left ?? right}}}`,
  );
}

function placeProblems(name: string, parameter: Parameter, isPlaced: boolean): string[] {
  const { type, says, required, default: value } = parameter;
  const place = `{{${name}}}`;
  if (!isPlaced && says === undefined)
    return [`stands nowhere; write ${place} into "system", or give it a sentence with it by "says"`];
  if (isPlaced && !required && value === undefined)
    return [
      `may be absent, and ${place} in "system" would be empty; give it a "default", or "required": true, or move the sentence to "says"`,
    ];
  if (says === undefined) return [];
  const inside = placesOf(says);
  const others = [...inside].filter((each) => each !== name).map((each) => `{{${each}}}`);
  if (others.length > 0)
    return [`says has ${others.join(', ')}, which may have no value; only ${place} can stand there`];
  if (type === 'boolean' && !isPlaced && parameter.values !== undefined)
    return [
      `values are the words of ${place}, which stands nowhere; write it into "system", or leave them out`,
    ];
  if (type === 'boolean')
    return inside.has(name)
      ? [`says is added only where it is true; leave ${place} out, or write it into "system"`]
      : [];
  return inside.has(name) ? spacedPlaces(says) : [`says must have ${place}, where the value goes`];
}

/** What fills a place is never read for places: the model would be told the braces. */
function wordProblems(parameter: Parameter): string[] {
  const words = parameter.type === 'enum' ? [...parameter.values.values()] : wordsOfBoolean(parameter);
  const [place] = [...placesOf(words.join(' '))];
  return place === undefined
    ? []
    : [`values have {{${place}}}, which is not filled there; write it into "system" or "says"`];
}

function wordsOfBoolean(parameter: Parameter): string[] {
  return parameter.type === 'boolean' ? Object.values(parameter.values ?? {}) : [];
}

function defaultProblems(parameter: Parameter): string[] {
  const { required, default: value } = parameter;
  if (value === undefined) return [];
  if (required) return ['has a "default" that is never used, as it is "required"; leave one of them out'];
  const want = wanted(parameter, value);
  return want === undefined ? [] : [`default: must be ${want}`];
}
