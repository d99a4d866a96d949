/**
 * What the subcommands of `dash-relay` have in common: their options are read, `--help` is answered, wrong words and failures
 * become a sentence and an exit code. Does not own which subcommands there are.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** The words on the command line are wrong: the message says which. */
export class CommandLineError extends Error {}

const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** What stands after the subcommand's name in, the exit code out. */
export type Subcommand = (args: readonly string[]) => Promise<number>;

type Options = NonNullable<ParseArgsConfig['options']>;

const HELP_OPTION = { help: { type: 'boolean', short: 'h' } } as const;

function parse<Own extends Options>(args: readonly string[], options: Own, allowPositionals: boolean) {
  return parseArgs({ args: [...args], options: { ...options, ...HELP_OPTION }, allowPositionals });
}

/** The options that were given, by their names, and the other words. */
export type Words<Own extends Options> = ReturnType<typeof parse<Own>>;

export interface SubcommandParts<Own extends Options> {
  /** Printed for `--help`, and after what is wrong with the words. */
  readonly help: string;
  /** Printed after it for `--help` alone. */
  readonly details?: () => Promise<string>;
  readonly options?: Own;
  /** Whether there may be words that are no options. */
  readonly allowPositionals?: boolean;
  /**
   * @returns the exit code
   * @throws CommandLineError where the words are wrong; any other error where it failed: its message is printed
   */
  readonly run: (words: Words<Own>) => Promise<number>;
}

/** @returns a subcommand that ends with what `run` returns; with 2 for wrong words, and 1 where it failed */
export function subcommand<const Own extends Options>(parts: SubcommandParts<Own>): Subcommand {
  return async (args) => {
    try {
      const words = parse(args, parts.options ?? ({} as Own), parts.allowPositionals ?? false);
      if (!hasHelp(words.values)) return await parts.run(words);
      process.stdout.write(parts.help + ((await parts.details?.()) ?? ''));
      return 0;
    } catch (error) {
      const wrongWords = error instanceof CommandLineError || isOfParseArgs(error);
      process.stderr.write(`${messageOf(error)}\n${wrongWords ? `\n${parts.help}` : ''}`);
      return wrongWords ? EXIT_USAGE : EXIT_FAILED;
    }
  };
}

/** What an error says, with the reasons inside it. */
export function messageOf(cause: unknown): string {
  // Some errors of connections have their reasons inside.
  if (cause instanceof AggregateError) return cause.errors.map(messageOf).join('; ');
  return cause instanceof Error ? cause.message : String(cause);
}

/** One line of what a subcommand answers. */
export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For subcommands of much output: `dash-relay usage | head` closes the pipe early, which is no failure. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : EXIT_FAILED),
  );
}

function hasHelp(values: object): boolean {
  return 'help' in values && values.help === true;
}

function isOfParseArgs(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
