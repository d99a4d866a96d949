/** Fields of an old body that an action of today may take into the server's own prompt. */
import type { ParameterValue } from '../protocol/frames.ts';
import { type Fields, valueIn } from './fields.ts';

/** What bodies are read by: the actions of this relay, as far as these functions ask of them. */
export interface OldActions {
  has(name: string): boolean;
  /** What such words are for a parameter of an action; undefined where it has none of that name, or they do not fit. */
  parameter(action: string, name: string, words: string): ParameterValue | undefined;
}

/** By parameter, the fields it is filled by: the first that fits. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  language: ['language'],
  grade: ['gradeLevel', 'grade'],
  gradeLevel: ['gradeLevel', 'grade'],
  subject: ['subject'],
  role: ['role', 'scope'],
};

/**
 * What fits no parameter is none, and stays what it was: data of the question. So no body is refused that was taken.
 * @param sources where the fields may stand, the nearest first
 */
export function parametersOf(
  action: string,
  sources: readonly Fields[],
  actions: OldActions,
): Readonly<Record<string, ParameterValue>> {
  const filled = Object.entries(FIELDS).flatMap(([name, fields]) => {
    const words = sources.flatMap((source) => fields.map((field) => valueIn(source, field))).filter(isPlain);
    const values = words.map((each) => actions.parameter(action, name, String(each)));
    const value = values.find((each) => each !== undefined);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(filled);
}

function isPlain(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
