/**
 * Which stream is the answer to a chat of the AI SDK, whose transports know a chat by its own id alone: the newest of the caller's
 * with a name that says the chat. Nothing is stored for it, so that it is found wherever a stream is: after a reload, on another
 * machine, among the kept answers.
 */
import { hash, randomBytes } from 'node:crypto';
import { chatName, chatNamePrefix } from '../../ai-sdk/chat-name.ts';
import type { Caller } from '../../observability/port.ts';
import type { EndingFrame } from '../../protocol/frames.ts';
import type { Relay } from '../../relay/relay.ts';
import type { StreamReference } from '../../relay/stream-list.ts';
import { ReadEndings } from './read-endings.ts';
import { TextPositions } from './text-positions.ts';

/** Of what makes a name unlike all others: as base64url more characters than are used. */
const RANDOM_BYTES = 18;

/** By its id, and its run where that is known. */
export interface ChatAnswer {
  readonly id: string;
  readonly epoch: string | undefined;
}

type ChatRelay = Pick<Relay, 'newestNamed' | 'liveNamed' | 'cancel'>;

export class ChatStreams {
  /** Endings that their readers have: nothing of those answers is left to be resumed. */
  readonly read: ReadEndings;
  /** Where readers of WebSockets can go on by a number of theirs. */
  readonly positions = new TextPositions();
  readonly #relay: ChatRelay;

  /** @param trustsProxy whether requests come by a proxy of the operator's */
  constructor(relay: ChatRelay, trustsProxy: boolean) {
    this.#relay = relay;
    this.read = new ReadEndings(trustsProxy);
  }

  /**
   * All answers to a chat that are live, newest first: who asks again in the middle of one has two.
   * @throws RelayError unavailable where somebody who may have some cannot be asked
   */
  async live(userId: string, chatId: string): Promise<readonly StreamReference[]> {
    return await this.#relay.liveNamed(userId, prefixOf(chatId));
  }

  /**
   * The newest, where there is something to resume: it is live, or has ended and nobody has shown to hold its ending.
   * @throws RelayError likewise
   */
  async active(userId: string, chatId: string): Promise<StreamReference | undefined> {
    const stream = await this.#relay.newestNamed(userId, prefixOf(chatId));
    return stream?.state === 'ended' && this.read.has(stream.epoch) ? undefined : stream;
  }

  /**
   * Stops it, and resolves with its ending. Who does has no more use for the answer.
   * @throws RelayError unknown_stream, or unavailable where it runs elsewhere and that cannot be asked
   */
  async cancel(userId: string, { id, epoch }: ChatAnswer, caller: Caller): Promise<EndingFrame> {
    const ending = await this.#relay.cancel(userId, id, caller);
    if (epoch !== undefined) this.read.add(epoch);
    return ending;
  }
}

/** A new name for an answer to that chat. */
export function streamIdFor(chatId: string): string {
  return chatName(prefixOf(chatId), randomBytes(RANDOM_BYTES).toString('base64url'));
}

function prefixOf(chatId: string): string {
  return chatNamePrefix(hash('sha256', chatId, 'base64url'));
}
