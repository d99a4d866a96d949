/** The three ways into a run, as a test asks at each of them: one request, and what the client holds at the end. */
import type { ErrorCode } from '../../src/protocol/codes.ts';
import type { EndingFrame, Usage } from '../../src/protocol/frames.ts';
import type { HeldStream } from './held-stream.ts';
import { askEvents, askWhole, type ChatBody } from './http-doors.ts';
import { connectClient } from './relay-client.ts';

export interface Held {
  readonly text: string;
  /** Also the code of a refusal. */
  readonly ending: 'done' | 'cancelled' | ErrorCode;
  readonly stopReason: string | null | undefined;
  /** Undefined with an error of the JSON door, and with a refusal. */
  readonly usage: Usage | undefined;
}

export interface Door {
  readonly name: 'socket' | 'events' | 'whole';
  ask(url: string, token: string, body: ChatBody): Promise<Held>;
}

export const DOORS: readonly Door[] = [
  {
    name: 'socket',
    async ask(url, token, body) {
      await using client = await connectClient({ url, token });
      const stream = client.start(body);
      await client.until(() => stream.over || undefined);
      return heldOf(stream);
    },
  },
  {
    name: 'events',
    async ask(url, token, body) {
      return heldOf(await askEvents(url, token, body));
    },
  },
  {
    name: 'whole',
    async ask(url, token, body) {
      const { content = '', error, usage, stopReason } = await askWhole(url, token, body);
      const code = error?.code as ErrorCode | undefined;
      const ending = code ?? (stopReason === 'cancelled' ? stopReason : 'done');
      return { text: content, ending, stopReason, usage };
    },
  },
];

function heldOf({ text, ending, refusal }: HeldStream): Held {
  const last: EndingFrame | undefined = ending;
  if (last === undefined && refusal === undefined) throw new Error('neither an ending nor a refusal');
  const code = last === undefined ? refusal?.code : last.type === 'error' ? last.code : last.type;
  return {
    text,
    ending: code ?? 'internal',
    stopReason: last?.type === 'done' ? last.stopReason : undefined,
    usage: last?.usage,
  };
}
