/**
 * Parameters of an action: what a client may say within the server's own system prompt. Each is a choice, a number, or a
 * short text of harmless characters. Owns what fits one and the words it becomes; no message here says a value.
 */
import type { ParameterValue } from '../protocol/frames.ts';

interface Declared {
  /** A request without it is refused. */
  readonly required: boolean;
  /** A sentence that is added to the prompt where there is a value. Of a boolean: where it is true. */
  readonly says?: string | undefined;
}

export interface EnumParameter extends Declared {
  readonly type: 'enum';
  /** Each value with the words it becomes in the prompt. */
  readonly values: ReadonlyMap<string, string>;
  readonly default?: string | undefined;
}

export interface StringParameter extends Declared {
  readonly type: 'string';
  /** UTF-16 code units. */
  readonly maxLength: number;
  /** `CHARACTER_CLASSES`, and single characters. */
  readonly characters: readonly string[];
  readonly default?: string | undefined;
}

export interface IntegerParameter extends Declared {
  readonly type: 'integer';
  readonly min: number;
  readonly max: number;
  readonly default?: number | undefined;
}

export interface BooleanParameter extends Declared {
  readonly type: 'boolean';
  /** The words each becomes in the prompt; absent: `yes` and `no`. */
  readonly values?: { readonly true: string; readonly false: string } | undefined;
  readonly default?: boolean | undefined;
}

export type Parameter = EnumParameter | StringParameter | IntegerParameter | BooleanParameter;

/** By name, in the order in which what they say is added. */
export type Parameters = ReadonlyMap<string, Parameter>;

/** Of any script. What shows nothing is of none of them, nor are letters that look like a quotation mark. */
export const CHARACTER_CLASSES = {
  letters: /^[[\p{L}\p{M}]--\p{Default_Ignorable_Code_Point}--[\u{2ba}\u{2ee}]]$/v,
  digits: /^\p{N}$/u,
  spaces: /^ $/,
} as const;

/** What a name of a language, a grade, a subject or a person needs. */
export const DEFAULT_CHARACTERS = [
  ...Object.keys(CHARACTER_CLASSES),
  ..."'’-,./()&+",
] as const satisfies readonly string[];

const BEGINNING = /^[\p{L}\p{N}]/u;
const YES_OR_NO = { true: 'yes', false: 'no' };
/** Most values that a message lists. */
const MOST_LISTED = 20;

/** What a value has to be, where it is something else; undefined where it fits. */
export function wanted(parameter: Parameter, value: ParameterValue): string | undefined {
  return fits(parameter, value) ? undefined : expectation(parameter);
}

function fits(parameter: Parameter, value: ParameterValue): boolean {
  switch (parameter.type) {
    case 'enum':
      return typeof value === 'string' && parameter.values.has(value);
    case 'string':
      return typeof value === 'string' && isHarmless(parameter, value);
    case 'integer':
      return Number.isSafeInteger(value) && Number(value) >= parameter.min && Number(value) <= parameter.max;
    case 'boolean':
      return typeof value === 'boolean';
  }
}

/** One pass over a text of bounded length: nothing here can be made to search for long. */
function isHarmless({ maxLength, characters }: StringParameter, value: string): boolean {
  const text = value.normalize();
  if (value.length > maxLength || text.length > maxLength) return false;
  const isOf = (name: keyof typeof CHARACTER_CLASSES, each: string): boolean =>
    characters.includes(name) && CHARACTER_CLASSES[name].test(each);
  const [first = ''] = text;
  // A mark in front would stand over the quotation mark before the place.
  if (!BEGINNING.test(text) || (!isOf('letters', first) && !isOf('digits', first))) return false;
  return [...text].every(
    (each) =>
      isOf('letters', each) || isOf('digits', each) || isOf('spaces', each) || characters.includes(each),
  );
}

function expectation(parameter: Parameter): string {
  switch (parameter.type) {
    case 'enum': {
      const values = [...parameter.values.keys()];
      return `one of ${values.slice(0, MOST_LISTED).join(', ')}${values.length > MOST_LISTED ? ' …' : ''}`;
    }
    case 'string': {
      const { maxLength, characters } = parameter;
      const signs = characters.filter((each) => !(each in CHARACTER_CLASSES)).join(' ');
      const classes = characters.filter((each) => each in CHARACTER_CLASSES).join(', ');
      const allowed = signs === '' ? classes : `${classes} and ${signs}`;
      return `a text of at most ${maxLength} characters: ${allowed}; a letter or digit first`;
    }
    case 'integer':
      return `a whole number from ${parameter.min} to ${parameter.max}`;
    case 'boolean':
      return 'true or false';
  }
}

/** As the prompt has it. The same text in another Unicode form is the same bytes. */
export function wordsOf(parameter: Parameter, value: ParameterValue): string {
  switch (parameter.type) {
    case 'enum':
      return parameter.values.get(String(value)) ?? '';
    case 'boolean':
      return (parameter.values ?? YES_OR_NO)[value === true ? 'true' : 'false'];
    default:
      return String(value).normalize();
  }
}

/**
 * Reads words of a client that knows no parameters: a choice by its value or its words, in capitals or not, or by the
 * language of a tag such as `en-ZA`. Undefined where they do not fit.
 */
export function valueIn(parameter: Parameter, words: string): ParameterValue | undefined {
  const value = parameter.type === 'enum' ? choiceIn(parameter, words) : plainValue(parameter, words.trim());
  return value !== undefined && fits(parameter, value) ? value : undefined;
}

function choiceIn({ values }: EnumParameter, words: string): string | undefined {
  const asked = words.trim().toLowerCase();
  const named = (name: string): string | undefined =>
    [...values].find(([value, said]) => [value, said].some((each) => each.toLowerCase() === name))?.[0];
  const [language = ''] = /^[a-z]{2,3}(?=[-_][a-z0-9]{2,4}$)/.exec(asked) ?? [];
  return named(asked) ?? named(language);
}

function plainValue({ type }: Parameter, words: string): ParameterValue | undefined {
  if (type === 'integer') return /^-?\d{1,15}$/.test(words) ? Number(words) : undefined;
  if (type === 'boolean') return words === 'true' || (words === 'false' ? false : undefined);
  return words;
}

/** As clients are told of them: never a word of the prompt. */
export function describedParameters(parameters: Parameters): Readonly<Record<string, object>> {
  return Object.fromEntries([...parameters].map(([name, parameter]) => [name, described(parameter)]));
}

function described(parameter: Parameter): object {
  const { type, required, default: value } = parameter;
  const common = { type, required, ...(value === undefined ? {} : { default: value }) };
  switch (parameter.type) {
    case 'enum':
      return { ...common, values: [...parameter.values.keys()] };
    case 'string':
      return { ...common, maxLength: parameter.maxLength, characters: parameter.characters };
    case 'integer':
      return { ...common, min: parameter.min, max: parameter.max };
    case 'boolean':
      return common;
  }
}
