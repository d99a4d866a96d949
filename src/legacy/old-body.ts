/**
 * A body of an old function in, what it asks for out: a request as `POST /v1/chat` has it, the question whether the
 * function is there, or something that only the old function does. Pure; what a request may hold is for the parser of
 * requests to say, and what an action permits for the run.
 */
import { RelayError } from '../protocol/relay-error.ts';
import { conversationOf, mentionsTools, messagesIn } from './conversation.ts';
import { type Fields, fieldsOf, flagIn, isFields, textIn, valueIn } from './fields.ts';
import { imagesIn } from './images.ts';
import { type ActionOfName, actionNamed, kindOfName, type NotServed } from './names.ts';
import { NotServedError } from './not-served.ts';
import { type OldActions, parametersOf } from './parameters.ts';
import { questionOf } from './question.ts';

/** The functions whose contract is kept. */
export type OldFunction = 'ai-gateway' | 'ai-proxy';

export type OldBody =
  | { readonly asks: 'health' }
  | { readonly asks: 'answer'; readonly request: OldRequest; readonly events: OldEvents | undefined }
  /** `error` is what this relay says to it; the old function may still do it. */
  | { readonly asks: 'elsewhere'; readonly error: RelayError };

/** The fields of `POST /v1/chat`, unchecked. */
export type OldRequest = Fields;

/** Server-sent events as they were framed: `grading` for what reads `delta` and `final`. `none`: asks for JSON. */
export type OldEvents = 'text' | 'grading' | 'none';

/** Fields of a request that old bodies may have too, as they stand. */
const KEPT = ['id', 'events', 'onDisconnect'] as const;

/** @throws RelayError bad_request, unsupported */
export function readOldBody(of: OldFunction, body: unknown, actions: OldActions): OldBody {
  const fields = fieldsOf(body);
  const isAction = (name: string): boolean => actions.has(name);
  const named = actionNamed(textIn(fields, 'action', 'service_type'), isAction);
  if (named.name === 'health' && named.action === 'health') return { asks: 'health' };
  const payload = of === 'ai-proxy' ? fieldsOf(valueIn(fields, 'payload') ?? {}, 'payload') : fields;
  if (named.notServed === undefined && !isAction(named.action))
    return { asks: 'elsewhere', error: unknownAction() };
  const notServed = named.notServed ?? whatIsNotServed(fields, payload);
  if (notServed !== undefined) return { asks: 'elsewhere', error: new NotServedError(named.name, notServed) };
  return {
    asks: 'answer',
    request: requestOf(named, fields, payload, actions),
    events: eventsOf(named.name, flagIn(fields, 'stream')),
  };
}

function whatIsNotServed(fields: Fields, payload: Fields): NotServed | undefined {
  const tools = [valueIn(fields, 'tools'), valueIn(fields, 'client_tools')];
  if (tools.some((list) => Array.isArray(list) && list.length > 0)) return 'client_tools';
  if (['messages', 'conversationHistory'].some((name) => mentionsTools(payload, name))) return 'client_tools';
  return flagIn(payload, 'ocr_mode') === true ? 'ocr' : undefined;
}

function unknownAction(): RelayError {
  return new RelayError('unknown_action', 'action: this server has no such action');
}

function requestOf(
  { name, action }: ActionOfName,
  fields: Fields,
  payload: Fields,
  actions: OldActions,
): OldRequest {
  const messages = messagesIn(payload, 'messages');
  const history = messages.length > 0 ? messages : messagesIn(payload, 'conversationHistory');
  const question = messages.length > 0 ? undefined : questionOf(kindOfName(name), payload);
  const conversation = conversationOf(history, question, imagesIn(payload));
  if (conversation.length === 0)
    throw new RelayError('bad_request', 'prompt: a question, or messages, or an image');
  const context = valueIn(payload, 'context');
  const parameters = parametersOf(action, [payload, fields, isFields(context) ? context : {}], actions);
  const kept = KEPT.flatMap((key) => (valueIn(fields, key) === undefined ? [] : [[key, fields[key]]]));
  return {
    ...Object.fromEntries(kept),
    action,
    messages: conversation,
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    ...optional('context', context),
    ...optional('model', valueIn(payload, 'model')),
    ...optional('maxTokens', valueIn(payload, 'maxTokens') ?? valueIn(payload, 'max_tokens')),
  };
}

function optional(name: string, value: unknown): Fields {
  return value === undefined ? {} : { [name]: value };
}

function eventsOf(name: string, stream: boolean | undefined): OldEvents | undefined {
  if (name === 'grading_assistance_stream') return 'grading';
  return stream === undefined ? undefined : stream ? 'text' : 'none';
}
