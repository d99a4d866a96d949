/** The logger: JSON lines with an allow-list of shapes. What a line says is its caller's; where it goes is LogOutput's. */
import { pino } from 'pino';
import { describeCause } from './describe-cause.ts';
import { type FieldOf, type Level, LOG_EVENTS, type LogMessage } from './log-events.ts';

/** Takes the messages of the catalogue, and no others. */
export type Logger = Readonly<Record<Level, Write>> & {
  isLevelEnabled(level: Level): boolean;
  /** The lowest that is written; may be changed at any time. */
  level: string;
};

interface Write {
  /** Fields that the catalogue does not have are no fields of the line. */
  <Message extends LogMessage, Fields extends object>(
    fields: Fields & Readonly<Record<Exclude<keyof Fields, FieldOf<Message>>, never>>,
    message: Message,
  ): void;
  (message: LogMessage): void;
  (left: Readonly<Record<string, unknown>> & { readonly suppressed: number }, message: MoreOf): void;
}

/** Of lines that were left out. */
type MoreOf = `${LogMessage}${typeof MORE}`;
export const MORE = ': more of them';

export interface LoggerOptions {
  /** A pino level, or `silent`. */
  readonly level: string;
  readonly version: string;
  readonly instanceId: string;
  /** Of a process that is one of several: its number. */
  readonly worker?: number | undefined;
  readonly output: { write(line: string): void };
}

/** A second net below the allow-lists of the callers: explicit paths cost a third of wildcards. */
const REDACTED_PATHS = [
  'token',
  'access_token',
  'accessToken',
  'authorization',
  'apiKey',
  'api_key',
  'password',
  'secret',
  'headers.authorization',
  'headers.cookie',
  'headers["sec-websocket-protocol"]',
  'headers["x-api-key"]',
];

export function createLogger({ level, version, instanceId, worker, output }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { version, instanceId, ...(worker === undefined ? {} : { worker }) },
      timestamp: isoTimes(),
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeCause, error: describeCause, cause: describeCause },
      hooks: naming(),
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    },
    output,
  );
}

/** What `stdTimeFunctions.isoTime` writes. A crowd's lines come many in a millisecond: its text is made once. */
function isoTimes(): () => string {
  let ms = Number.NaN;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== ms) text = `,"time":"${new Date(now).toISOString()}"`;
    ms = now;
    return text;
  };
}

/**
 * Each line says its event's name, which stays where its message changes. It stands in what pino writes at the beginning of
 * each line of a logger of its own, so that no fields are copied for it: that was a tenth of what a short answer allocates.
 */
function naming(): NonNullable<pino.LoggerOptions['hooks']> {
  const loggers = new Map<string, pino.Logger>();
  const loggerOf = (whole: pino.Logger, event: string): pino.Logger => {
    let logger = loggers.get(event);
    if (logger === undefined) {
      logger = whole.child({ event });
      loggers.set(event, logger);
    }
    return logger;
  };
  return {
    logMethod(args, write) {
      const [fields, message]: readonly unknown[] = args.length === 1 ? [{}, args[0]] : args;
      const text = String(message);
      const event = nameOf(text);
      write.call(event === undefined ? this : loggerOf(this, event), fields as object, text);
    },
  };
}

function nameOf(message: string): string | undefined {
  const whole = message.endsWith(MORE) ? message.slice(0, -MORE.length) : message;
  return Object.hasOwn(LOG_EVENTS, whole) ? LOG_EVENTS[whole as LogMessage].name : undefined;
}
