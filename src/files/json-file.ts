/** Files of JSON that an operator may replace: read once at the start, validated whole, refused by one sentence. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { repeatedKey } from './repeated-key.ts';

/**
 * Reads and validates a file.
 * @param name what it is called in the sentence of a refusal: `plans`
 * @throws Error naming the file and everything that is wrong in it
 */
export function readJsonFile<Schema extends z.ZodType>(
  name: string,
  file: string | URL,
  schema: Schema,
): z.output<Schema> {
  const unable = (why: string, cause?: unknown): Error =>
    new Error(`unable to use the ${name} file ${file}: ${why}`, { cause });
  let text: string;
  let content: unknown;
  try {
    text = readFileSync(file, 'utf8');
    content = JSON.parse(text);
  } catch (cause) {
    throw unable(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const twice = repeatedKey(text);
  if (twice !== undefined) throw unable(`${twice} stands twice; keep one of them`);
  const parsed = schema.safeParse(content);
  if (!parsed.success) throw unable(`\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** For a schema: whether no name stands twice. */
export function isDistinct(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}
