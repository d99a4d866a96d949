/**
 * What of a cause may be logged: its kind and where it came from, never its message. Messages of the model API, of
 * drivers and parsers quote what they were given: a prompt, a row, a token.
 */

/** Identifiers as programs write them; anything else might be someone's words. */
const IDENTIFIER = /^[\w.:-]{1,64}$/;
const FRAME = /^ {4}at [^\n]{1,300}:\d+:\d+\)?$/;
const MAX_FRAMES = 12;
const MAX_DEPTH = 3;

export interface DescribedCause {
  readonly name?: string;
  readonly code?: string | number;
  readonly status?: number;
  readonly type?: string;
  readonly errorCode?: string;
  readonly upstreamRequestId?: string;
  readonly syscall?: string;
  /** Only of errors without a code: a code says more. */
  readonly frames?: readonly string[];
  readonly cause?: DescribedCause | string;
}

/**
 * An identifier stays as it is, and so do the identifiers and numbers of an error or another object; what has none of
 * them becomes its type's name.
 */
export function describeCause(cause: unknown, depth = 0): DescribedCause | string | undefined {
  if (cause === undefined || cause === null) return undefined;
  if (typeof cause === 'string' && IDENTIFIER.test(cause)) return cause;
  if (typeof cause !== 'object') return typeof cause;
  const fields = cause as Readonly<Record<string, unknown>>;
  const code = identifier(fields['code']) ?? number(fields['code']);
  const described = present({
    name: identifier(fields['name']),
    code,
    status: number(fields['status']),
    type: identifier(fields['type']),
    errorCode: identifier(fields['errorCode']),
    // A failure's own, an error of ours, which has it for the client, one of the API's package.
    upstreamRequestId:
      identifier(fields['upstreamRequestId']) ??
      identifier(fields['requestId']) ??
      identifier(fields['requestID']),
    syscall: identifier(fields['syscall']),
    frames: code === undefined && cause instanceof Error ? frames(cause) : undefined,
    cause: depth < MAX_DEPTH ? describeCause(fields['cause'], depth + 1) : undefined,
  });
  return Object.keys(described).length > 0 ? described : 'object';
}

function identifier(value: unknown): string | undefined {
  return typeof value === 'string' && IDENTIFIER.test(value) ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The stack after the message, which may have lines that look like frames. */
function frames({ stack = '', message }: Error): string[] | undefined {
  const after = stack.slice(stack.indexOf(message) + message.length);
  const lines = after.split('\n').filter((line) => FRAME.test(line));
  return lines.length === 0 ? undefined : lines.slice(0, MAX_FRAMES).map((line) => line.trim());
}

function present(fields: { [Key in keyof DescribedCause]: DescribedCause[Key] | undefined }): DescribedCause {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
