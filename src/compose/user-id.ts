/** The id of a user as commands take it: that of a token, in any case. */
import { CommandLineError } from '../command-line/subcommand.ts';

/** As ledgers have it. @throws CommandLineError */
export function userIdOf(text: string): string {
  const lower = text.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(lower)) return lower;
  throw new CommandLineError(`--user is not the id of a user, as the \`sub\` of a token has it: ${text}`);
}
