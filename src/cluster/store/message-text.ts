/** A machine's message as one text. Fields are set apart by a control character, which JSON never holds unescaped. */
import * as z from 'zod';
import { fromWire, toWire } from '../../protocol/wire-text.ts';
import type { ForgetMessage, InterludeMessage, MachineMessage } from './port.ts';

/** Between the fields of a message. */
export const SEPARATOR = '\x1d';

/** Before the seq: it is no number, and so no batch's. */
const MOMENT = /^(thinking|tool):(\d{1,15})(:.*)?$/;

export function encodeMessage(message: MachineMessage): string {
  if (message.type === 'interlude') return encodeMoment(message);
  if (message.type === 'forget') {
    const { type, epoch, machine, userId, id = '', of } = message;
    return [type, epoch, machine, userId, id, of].join(SEPARATOR);
  }
  if (message.type !== 'added') {
    const machine = 'machine' in message ? [message.machine] : [];
    return [message.type, message.epoch, ...machine].join(SEPARATOR);
  }
  const { batches, ending = '' } = message.addition;
  const [batch] = batches;
  return ['added', message.epoch, batch?.seq ?? 0, batch?.payload ?? '', ending].join(SEPARATOR);
}

/** As an addition of nothing, whose seq nobody asks for: relays that know none of it take it for that. */
function encodeMoment({ epoch, after, moment }: InterludeMessage): string {
  const { kind } = moment;
  const said = kind === 'tool' ? JSON.stringify(moment.progress) : moment.json && fromWire(moment.json);
  return ['added', epoch, `${kind}:${after}${said === undefined ? '' : `:${said}`}`, '', ''].join(SEPARATOR);
}

/** A machine's name: what it may hold, and how long. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
const MACHINE = /^[^\x00-\x1f\x7f]{1,256}$/;
const EPOCH = /^[A-Za-z0-9_-]{1,64}$/;
/** Fields of the longest message, `forget`, and one that would be too many. */
const MOST_FIELDS = 7;

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
    case 'forget':
      return rest.length === 4 ? decodeForget(epoch, rest) : undefined;
    case 'cancel':
    case 'read':
    case 'not_here':
    case 'forgotten':
    case 'not_forgotten':
      return rest.length === 0 ? { type, epoch } : undefined;
    default:
      return undefined;
  }
}

function decodeForget(epoch: string, rest: readonly string[]): ForgetMessage | undefined {
  const [machine = '', userId = '', id = '', of] = rest;
  if ((of !== 'all' && of !== 'memory') || !MACHINE.test(machine) || !MACHINE.test(userId)) return undefined;
  if (id === '') return { type: 'forget', epoch, machine, userId, of };
  return isEpoch(id) ? { type: 'forget', epoch, machine, userId, id, of } : undefined;
}

function decodeAdded(
  epoch: string,
  [seq = '', payload = '', ending = '']: string[],
): MachineMessage | undefined {
  if (payload === '' && ending === '' && /^t/.test(seq)) return decodeMoment(epoch, seq);
  const batches = payload === '' ? [] : [{ seq: Number(seq), payload }];
  return { type: 'added', epoch, addition: { batches, ending: ending === '' ? undefined : ending } };
}

function decodeMoment(epoch: string, text: string): InterludeMessage | undefined {
  const [, kind, seq, rest] = MOMENT.exec(text) ?? [];
  const said = rest?.slice(1);
  const after = Number(seq);
  if (kind === 'tool') {
    const progress = decodeProgress(said);
    return progress && { type: 'interlude', epoch, after, moment: { kind, progress } };
  }
  if (kind !== 'thinking' || (said !== undefined && !isInsideOfText(said))) return undefined;
  const json = said === undefined ? {} : { json: toWire(said) };
  return { type: 'interlude', epoch, after, moment: { kind, ...json } };
}

const toolProgress = z.strictObject({
  call: z.int().positive(),
  name: z.string().max(128),
  label: z.string().max(256).exactOptional(),
  state: z.enum(['running', 'done', 'failed']),
});

function decodeProgress(json: string | undefined): z.output<typeof toolProgress> | undefined {
  try {
    return toolProgress.safeParse(JSON.parse(json ?? '')).data;
  } catch {
    return undefined;
  }
}

/** It becomes a part of a frame, and a line of an event stream, as it stands. */
function isInsideOfText(json: string): boolean {
  try {
    return typeof JSON.parse(`"${json}"`) === 'string'; // which holds no control character, and so no line feed
  } catch {
    return false;
  }
}
