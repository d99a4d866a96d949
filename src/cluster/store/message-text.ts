/** A machine's message as one text. Fields are set apart by a control character, which JSON never holds unescaped. */
import type { MachineMessage, ThinkingMessage } from './port.ts';

/** Between the fields of a message. */
export const SEPARATOR = '\x1d';

/** Before the seq: it is no number, and so no batch's. */
const THINKING = /^thinking:(\d{1,15})(:.*)?$/;

export function encodeMessage(message: MachineMessage): string {
  if (message.type === 'thinking') return encodeThinking(message);
  if (message.type !== 'added') {
    const machine = 'machine' in message ? [message.machine] : [];
    return [message.type, message.epoch, ...machine].join(SEPARATOR);
  }
  const { batches, ending = '' } = message.addition;
  const [batch] = batches;
  return ['added', message.epoch, batch?.seq ?? 0, batch?.payload ?? '', ending].join(SEPARATOR);
}

/** As an addition of nothing, whose seq nobody asks for: relays that know no thinking take it for that. */
function encodeThinking({ epoch, after, content }: ThinkingMessage): string {
  const said = content === undefined ? '' : `:${content}`;
  return ['added', epoch, `thinking:${after}${said}`, '', ''].join(SEPARATOR);
}

/** A machine's name: what it may hold, and how long. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
const MACHINE = /^[^\x00-\x1f\x7f]{1,256}$/;
const EPOCH = /^[A-Za-z0-9_-]{1,64}$/;
/** Fields of the longest message, `added`, and one that would be too many. */
const MOST_FIELDS = 6;

export function isEpoch(value: unknown): value is string {
  return typeof value === 'string' && EPOCH.test(value);
}

/** `undefined` for what no relay of this format sends. What is in a batch or an ending is judged where it is used. */
export function decodeMessage(text: string): MachineMessage | undefined {
  const [type, epoch, ...rest] = text.split(SEPARATOR, MOST_FIELDS);
  if (!isEpoch(epoch)) return undefined;
  const [third = ''] = rest;
  switch (type) {
    case 'added':
      return rest.length === 3 ? decodeAdded(epoch, rest) : undefined;
    case 'follow':
    case 'unfollow':
      return rest.length === 1 && MACHINE.test(third) ? { type, epoch, machine: third } : undefined;
    case 'cancel':
    case 'not_here':
      return rest.length === 0 ? { type, epoch } : undefined;
    default:
      return undefined;
  }
}

function decodeAdded(
  epoch: string,
  [seq = '', payload = '', ending = '']: string[],
): MachineMessage | undefined {
  if (payload === '' && ending === '' && seq.startsWith('thinking')) return decodeThinking(epoch, seq);
  const batches = payload === '' ? [] : [{ seq: Number(seq), payload }];
  return { type: 'added', epoch, addition: { batches, ending: ending === '' ? undefined : ending } };
}

function decodeThinking(epoch: string, text: string): ThinkingMessage | undefined {
  const [, after, said] = THINKING.exec(text) ?? [];
  const content = said?.slice(1);
  if (after === undefined || (content !== undefined && !isInsideOfText(content))) return undefined;
  return { type: 'thinking', epoch, after: Number(after), content };
}

/** It becomes a part of a frame, and a line of an event stream, as it stands. */
function isInsideOfText(json: string): boolean {
  try {
    return typeof JSON.parse(`"${json}"`) === 'string'; // which holds no control character, and so no line feed
  } catch {
    return false;
  }
}
