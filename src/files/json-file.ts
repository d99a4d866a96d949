/**
 * Files of JSON that an operator may replace, also while the relay runs: validated whole, refused by one sentence. They are
 * read between the answers of all users: what is no file (a pipe that nobody writes to) or too large is not read at all.
 */
import { readFileSync, statSync } from 'node:fs';
import * as z from 'zod';
import { repeatedKey } from './repeated-key.ts';

/** Far above any file of settings; to judge as much takes about a second. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Editors of some systems write another encoding by themselves: half of a prompt would be signs of replacement. */
const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/**
 * What a file holds, without a byte order mark.
 * @throws Error saying why it cannot be read, or that it must not
 */
export function boundedText(file: string | URL, maxBytes = MAX_BYTES): string {
  const stats = statSync(file);
  if (!stats.isFile() || stats.size > maxBytes) throw new Error(`name a file of at most ${maxBytes} bytes`);
  const bytes = readFileSync(file);
  try {
    return UTF_8.decode(bytes);
  } catch (cause) {
    throw new Error('save it as UTF-8; it is in another encoding', { cause });
  }
}

/**
 * Reads and validates a file.
 * @param name what it is called in the sentence of a refusal: `plans`
 * @param maxBytes default: 8 MiB
 * @throws Error naming the file and everything that is wrong in it
 */
export function readJsonFile<Schema extends z.ZodType>(
  name: string,
  file: string | URL,
  schema: Schema,
  maxBytes?: number,
): z.output<Schema> {
  const unable = (why: string, cause?: unknown): Error =>
    new Error(`unable to use the ${name} file ${file}: ${why}`, { cause });
  let text: string;
  let content: unknown;
  try {
    text = boundedText(file, maxBytes);
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
