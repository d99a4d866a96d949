/**
 * The system prompt of a request: the action's own text with its places filled, and what parameters say after it. What
 * all requests of an action have in common stands first, where the model's API can keep it.
 */
import type { ParameterValue, StreamRequest } from '../protocol/frames.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { type Parameter, type Parameters, wanted, wordsOf } from './parameters.ts';

/** A place in a system prompt, and its name. */
export const PLACE = /\{\{(\w+)\}\}/g;

export interface PromptTemplate {
  /** With places such as `{{language}}`. */
  readonly system: string;
  readonly parameters?: Parameters | undefined;
}

export interface SystemPrompt {
  readonly system: string;
  /** What parameters say, after the rest; absent where they say nothing. */
  readonly instructions?: string;
}

const NONE: Parameters = new Map();

/** @throws RelayError bad_request naming the parameter, never its value */
export function systemPrompt(
  { system, parameters = NONE }: PromptTemplate,
  given: StreamRequest['parameters'] = {},
): SystemPrompt {
  requireKnown(parameters, given);
  const values = new Map<string, ParameterValue>();
  for (const [name, parameter] of parameters) {
    const value = givenValue(name, parameter, given);
    if (value !== undefined) values.set(name, value);
  }
  const instructions = [...parameters]
    .filter(([name, parameter]) => isSaid(parameter, values.get(name)))
    .map(([, { says = '' }]) => filled(says, parameters, values))
    .join('\n');
  return { system: filled(system, parameters, values), ...(instructions === '' ? {} : { instructions }) };
}

/** Of one request, by name. */
type Values = ReadonlyMap<string, ParameterValue>;

function requireKnown(parameters: Parameters, given: object): void {
  const unknown = Object.keys(given).find((name) => !parameters.has(name));
  if (unknown === undefined) return;
  const known = [...parameters.keys()].join(', ');
  throw badRequest(
    unknown,
    known === '' ? 'this action has no parameters' : `this action has none but ${known}`,
  );
}

function givenValue(
  name: string,
  parameter: Parameter,
  given: NonNullable<StreamRequest['parameters']>,
): ParameterValue | undefined {
  const value = Object.hasOwn(given, name) ? given[name] : undefined;
  const want = value === undefined ? undefined : wanted(parameter, value);
  if (want !== undefined) throw badRequest(name, want);
  if (value === undefined && parameter.required) throw badRequest(name, 'this action requires it');
  return value ?? parameter.default;
}

/** In one pass: what fills a place is never read for places. */
function filled(text: string, parameters: Parameters, values: Values): string {
  return text.replaceAll(PLACE, (place, name: string) => {
    const [parameter, value] = [parameters.get(name), values.get(name)];
    return parameter === undefined || value === undefined ? place : wordsOf(parameter, value);
  });
}

function isSaid({ type, says }: Parameter, value: ParameterValue | undefined): boolean {
  return says !== undefined && value !== undefined && !(type === 'boolean' && value === false);
}

function badRequest(name: string, why: string): RelayError {
  return new RelayError('bad_request', `parameters.${name}: ${why}`);
}
