/** The logger: JSON lines with an allow-list of shapes. What a line says is its caller's; where it goes is LogOutput's. */
import { type Logger, pino } from 'pino';
import { describeCause } from './describe-cause.ts';

export type { Logger };

export interface LoggerOptions {
  /** A pino level, or `silent`. */
  readonly level: string;
  readonly version: string;
  readonly instanceId: string;
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

export function createLogger({ level, version, instanceId, output }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { version, instanceId },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeCause, error: describeCause, cause: describeCause },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    },
    output,
  );
}
