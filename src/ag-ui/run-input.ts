/** What a run of AG-UI asks for (`RunAgentInput`), as the fields of a `start`. */
import { RelayError } from '../protocol/relay-error.ts';
import type { Names } from './event-builder.ts';
import { streamIdOf } from './message-ids.ts';
import {
  bad,
  clientTools,
  type Fields,
  fieldsOf,
  type HeldAnswer,
  isAbsent,
  messagesOf,
} from './messages.ts';

export interface RunInput {
  readonly names: Names;
  /** For the parser of requests: what it holds is not looked at here. */
  readonly request: Fields;
  /** Of this run's answer. */
  readonly held: HeldAnswer;
}

/** Longest id of a thread or a run, UTF-16 code units: both come back in events. */
const MAX_ID = 256;

/** Fields of the relay's `start`. */
const FORWARDED: ReadonlySet<string> = new Set([
  'action',
  'parameters',
  'model',
  'maxTokens',
  'onDisconnect',
  'notify',
]);
/** Of the relay's `start`, and none of the app's to send in `forwardedProps`. */
const NOT_FORWARDED: Readonly<Record<string, string>> = {
  id: 'the stream is named by threadId and runId',
  messages: 'they stand beside forwardedProps',
  context: 'it stands beside forwardedProps',
  events: 'answers come as text at this route',
  system: 'system prompts belong to the server; write it as an action of its actions file',
  tools: 'tools run at the server, where an action of its actions file names them',
};

/**
 * Reads the body of a run. Unknown fields of the input and its messages are ignored, as AG-UI has it; `state` is the app's own, and
 * is not looked at. Of `forwardedProps` all is the relay's.
 * @throws RelayError bad_request, unsupported
 */
export function readRunInput(value: unknown): RunInput {
  const body = fieldsOf(value, 'the body');
  const threadId = idOf(body['threadId'], 'threadId');
  const runId = idOf(body['runId'], 'runId');
  const streamId = streamIdOf(threadId, runId);
  refuseUnserved(body);
  const settings = settingsOf(body['forwardedProps']);
  const { messages, held } = messagesOf(body['messages'], streamId);
  const context = contextOf(body['context']);
  return {
    names: { threadId, runId, streamId },
    held,
    request: { onDisconnect: 'cancel', ...settings, ...context, id: streamId, messages },
  };
}

/** The stream of a run that may be refused for all else that its input holds; undefined where it has no good names. */
export function runStreamIn(body: unknown): string | undefined {
  const { threadId, runId } = (body ?? {}) as Fields;
  return isId(threadId) && isId(runId) ? streamIdOf(threadId, runId) : undefined;
}

function idOf(value: unknown, name: string): string {
  if (isId(value)) return value;
  throw bad(`${name}: a text of 1 to ${MAX_ID} characters`);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID;
}

function refuseUnserved({ tools, resume }: Fields): void {
  if (listOf(tools, 'tools').length > 0) throw clientTools('tools');
  if (listOf(resume, 'resume').length > 0)
    throw new RelayError('unsupported', 'resume: runs of this server are never interrupted');
}

function settingsOf(value: unknown): Fields {
  const settings: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(fieldsOf(value ?? {}, 'forwardedProps'))) {
    if (isAbsent(setting)) continue;
    if (Object.hasOwn(NOT_FORWARDED, name)) throw bad(`forwardedProps.${name}: ${NOT_FORWARDED[name]}`);
    if (!FORWARDED.has(name)) throw bad(`forwardedProps: takes ${[...FORWARDED].join(', ')} and no more`);
    settings[name] = setting;
  }
  if (typeof settings['action'] !== 'string')
    throw bad('forwardedProps.action: name an action of the server');
  return settings;
}

/** What surrounds the question, as data for the model. */
function contextOf(value: unknown): { readonly context?: Fields } {
  const entries = listOf(value, 'context').map((entry, index) => {
    const { description, value: said } = fieldsOf(entry, `context.${index}`);
    if (typeof description === 'string' && typeof said === 'string') return { description, value: said };
    throw bad(`context.${index}: a description and a value, both text`);
  });
  return entries.length === 0 ? {} : { context: { context: entries } };
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (isAbsent(value)) return [];
  if (Array.isArray(value)) return value;
  throw bad(`${name}: a list`);
}
