/** A machine's message as one text. Fields are set apart by a control character, which JSON never holds unescaped. */
import type { MachineMessage } from './port.ts';

/** Between the fields of a message. */
export const SEPARATOR = '\x1d';

export function encodeMessage(message: MachineMessage): string {
  if (message.type !== 'added') {
    const machine = 'machine' in message ? [message.machine] : [];
    return [message.type, message.epoch, ...machine].join(SEPARATOR);
  }
  const { batches, ending = '' } = message.addition;
  const [batch] = batches;
  return ['added', message.epoch, batch?.seq ?? 0, batch?.payload ?? '', ending].join(SEPARATOR);
}

/** `undefined` for what another version may send. */
export function decodeMessage(text: string): MachineMessage | undefined {
  const [type, epoch = '', third = '', payload = '', ending = ''] = text.split(SEPARATOR);
  switch (type) {
    case 'added': {
      const batches = payload === '' ? [] : [{ seq: Number(third), payload }];
      return { type, epoch, addition: { batches, ending: ending === '' ? undefined : ending } };
    }
    case 'follow':
    case 'unfollow':
      return { type, epoch, machine: third };
    case 'cancel':
    case 'not_here':
      return { type, epoch };
    default:
      return undefined;
  }
}
