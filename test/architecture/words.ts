/** The words of a source file: the parts of its name and identifiers, and its comments. */
import { parseSync } from 'vite';
import type { SourceFile } from './source-files.ts';

export interface Text {
  /** Its words in lower case, parted by one space: `sendQueue` is `send queue`. */
  readonly words: string;
  readonly kind: 'name' | 'comment';
  readonly line: number;
}

/** Texts of a module; of a style sheet its class names and comments. */
export function textsOf({ path, text }: SourceFile): Text[] {
  const name = path.split('/').at(-1) ?? '';
  const at = (offset: number): number => text.slice(0, offset).split('\n').length;
  return [
    { words: split(name), kind: 'name', line: 1 },
    ...(path.endsWith('.css') ? textsOfStyle(text, at) : textsOfModule(path, text, at)),
  ];
}

/** `aBadName`, `a-bad-name` and `A_BAD_NAME` are `a bad name`; punctuation is left out. */
export function split(text: string): string {
  const parts = text.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? [];
  return parts.join(' ').toLowerCase();
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly name?: unknown;
}

function textsOfModule(path: string, text: string, at: (offset: number) => number): Text[] {
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const names = identifiersBelow(program).map(({ name, start }) => ({
    words: split(name),
    kind: 'name' as const,
    line: at(start),
  }));
  const lines = comments.flatMap(({ value, start }) => commentLines(value, at(start)));
  return [...names, ...lines];
}

function identifiersBelow(root: unknown): { readonly name: string; readonly start: number }[] {
  if (Array.isArray(root)) return root.flatMap(identifiersBelow);
  if (typeof root !== 'object' || root === null) return [];
  const { type, name, start } = root as Node;
  const below = Object.values(root).flatMap(identifiersBelow);
  const isIdentifier = /Identifier$/.test(type ?? '') && typeof name === 'string';
  return isIdentifier ? [{ name, start }, ...below] : below;
}

function textsOfStyle(text: string, at: (offset: number) => number): Text[] {
  const classes = Array.from(text.matchAll(/\.(-?[a-zA-Z_][\w-]*)/g), ({ 1: name = '', index }) => ({
    words: split(name),
    kind: 'name' as const,
    line: at(index),
  }));
  const comments = Array.from(text.matchAll(/\/\*([\s\S]*?)\*\//g), ({ 1: value = '', index }) =>
    commentLines(value, at(index)),
  );
  return [...classes, ...comments.flat()];
}

/** Line by line, so that each has its number. */
function commentLines(value: string, first: number): Text[] {
  return value
    .split('\n')
    .map((line, index) => ({ words: split(line), kind: 'comment', line: first + index }));
}
