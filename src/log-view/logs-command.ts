/**
 * `dash-relay start | dash-relay logs`: the log for people, one line for each, in columns made for its events. What is no
 * line of the relay is passed on byte by byte.
 */
import { once } from 'node:events';
import { prettyFactory } from 'pino-pretty';
import { CommandLineError, endWithReader, subcommand } from '../command-line/subcommand.ts';
import { columns, type LogFields, titles } from './columns.ts';
import { LineSplitter, type Piece } from './line-splitter.ts';

const HELP = `Usage: dash-relay start | dash-relay logs

Shows the relay's log in columns: time (UTC), level, with WORKERS the number of the process, event, door, the first characters
of the request's or connection's id and of the user's; of streams also action, model, first token, total, tokens read and written, cost, and how they ended.
Lines of others are passed on as they are. Colours on a terminal only; NO_COLOR=1 has none.

  --help  this text
`;

type Show = (piece: Piece) => Buffer | string;

/** It ends when its input does. */
export const logs = subcommand({
  help: HELP,
  async run() {
    if (process.stdin.isTTY) throw new CommandLineError('Nothing is piped into it.');
    endWithReader();
    // Ctrl-C is for the relay, whose last lines are worth reading; a second one ends this too.
    process.once('SIGINT', () => {});
    const { stdout } = process;
    const colorize = stdout.isTTY && stdout.hasColors();
    await showAll(process.stdin, createView({ colorize, titled: stdout.isTTY }));
    return 0;
  },
});

async function showAll(input: AsyncIterable<Buffer>, show: Show): Promise<void> {
  const splitter = new LineSplitter();
  for await (const chunk of input) for (const piece of splitter.push(chunk)) await write(show(piece));
  for (const piece of splitter.end()) await write(show(piece));
}

async function write(text: Buffer | string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

/** How each piece of a log is shown. @param options titled: titles stand above the relay's first line */
export function createView({ colorize, titled = false }: { colorize: boolean; titled?: boolean }): Show {
  let hasWorkers = false;
  let isUntitled = titled;
  const pretty = prettyFactory({
    colorize,
    translateTime: 'UTC:HH:MM:ss.l',
    ignore: 'version,instanceId,worker',
    hideObject: true,
    messageFormat: (fields) => columns(fields, hasWorkers),
    customPrettifiers: {
      level: (level, _key, _fields, { labelColorized }) =>
        labelColorized + ' '.repeat(Math.max(0, LEVEL_WIDTH - String(level).length)),
    },
  });
  return ({ bytes, isLine }) => {
    const fields = isLine ? fieldsOf(bytes) : undefined;
    if (fields === undefined) return bytes;
    hasWorkers ||= fields['worker'] !== undefined;
    const above = isUntitled ? `${'time'.padEnd(15)}level  ${titles(hasWorkers)}\n` : '';
    isUntitled = false;
    return above + pretty(fields);
  };
}

/** Undefined: it is no line of the relay. */
function fieldsOf(bytes: Buffer): LogFields | undefined {
  if (bytes[0] !== OPENING_BRACE) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isOurs(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const LEVEL_WIDTH = 'error'.length;
const OPENING_BRACE = 0x7b;
const LEVELS: ReadonlySet<unknown> = new Set(['fatal', 'error', 'warn', 'info', 'debug', 'trace']);

function isOurs(value: unknown): value is LogFields {
  if (typeof value !== 'object' || value === null) return false;
  const { level, time, event, msg } = value as LogFields;
  return LEVELS.has(level) && [time, event, msg].every((field) => typeof field === 'string');
}
