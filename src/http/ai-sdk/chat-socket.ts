/**
 * Sockets of the AI SDK's `WebSocketChatTransport`: its frames in the place of the relay's, on a connection like all others. What
 * limits, guards and ends a connection is that one's; here is what a chat means, and which request reads which stream.
 *
 *   send ──► start ─────────────────────────────┐                ┌─ accepted, resumed ──► start
 *   resume ──► which stream? ─ none ──► no-active │ the connection │─ chunk, thinking … ──► chunk
 *                    └── active ──► resume ──────┤                │─ the ending ──► chunk, end
 *   abort ──► cancel ───────────────────────────┘                └─ error with `of` ──► error
 *
 * A client fails with all its chats where it gets a frame that it does not know: what has no request to be told under is not told.
 */
import {
  type ChatFrame,
  errorWire,
  noActiveWire,
  readChatFrame,
  requestIdOf,
} from '../../ai-sdk/chat-frames.ts';
import { errorText } from '../../ai-sdk/chunks.ts';
import { claimedUser } from '../../auth/access-token.ts';
import type {
  Connect,
  ConnectionEvents,
  ConnectionInfo,
  FrameSocket,
  ServedConnection,
} from '../../connection/port.ts';
import type { Caller, Observer } from '../../observability/port.ts';
import { CLOSE_CODES, type CloseCode } from '../../protocol/codes.ts';
import type { EndingFrame, ErrorFrame, ResumeFrame, ServerFrame, StartFrame } from '../../protocol/frames.ts';
import { parseFrameText, parseHttpRequest } from '../../protocol/parse-client-frame.ts';
import { RelayError } from '../../protocol/relay-error.ts';
import { decodeFrame, type WireText } from '../../protocol/wire-text.ts';
import type { StreamReference } from '../../relay/stream-list.ts';
import type { Clock, Timer } from '../../time/clock.ts';
import { ChatReading, type HeldChunks } from './chat-reading.ts';
import { type ChatAnswer, type ChatStreams, streamIdFor } from './chat-streams.ts';

export interface ChatSocketParts {
  readonly chats: ChatStreams;
  readonly clock: Clock;
  readonly observer: Observer;
}

/**
 * A chat that resumes anew ends its resume before by an `abort`, in the same breath: that is no stop. How long the frame
 * may take that shows it, ms.
 */
const ASKED_AGAIN_MS = 25;
/** The first chunks, which are the same each time an answer is read. */
const SAME_FOR_ALL = 2;
/** Endings that are remembered of one socket. */
const MAX_TOLD = 256;
/** Chats of one socket whose streams are looked for at a time. */
const MAX_LOOKUPS = 50;
/** Between two pings that ask for a proof, ms: a socket with too many pongs a second is cut. */
const PROOF_EVERY_MS = 100;

const DOOR = 'ai_sdk_websocket';

/** Connects a client of the AI SDK's transport to the core. */
export function connectChats(
  socket: FrameSocket,
  info: ConnectionInfo,
  connect: Connect,
  parts: ChatSocketParts,
): ConnectionEvents {
  const chats = new ChatSocket(socket, info, parts);
  chats.serve(connect(chats, { ...info, door: DOOR }));
  return chats;
}

class ChatSocket implements FrameSocket, ConnectionEvents {
  readonly #socket: FrameSocket;
  readonly #userId: string;
  readonly #caller: Caller;
  readonly #parts: ChatSocketParts;
  #core: ServedConnection | undefined;
  readonly #byRequest = new Map<string, ChatReading>();
  /** A connection has one position in a stream: the latest request reads it. */
  readonly #byStream = new Map<string, ChatReading>();
  /** By stream: who asked the connection for it and has no answer yet, in the order of the answers. */
  readonly #asking = new Map<string, ChatReading[]>();
  /** Resumes whose end may be no stop. */
  readonly #ending = new Map<ChatReading, Timer>();
  /** Resumes whose stream is looked for. */
  #finding = 0;
  /** The token that a frame handed in last, and whether it says another user. */
  #token: string | undefined;
  #isForeign = false;
  #isOver = false;
  /** This machine is about to go, and the library has no frame by which it could be told. */
  #isLeaving = false;
  /** Runs whose ending leaves in this write. */
  #leaving: string[] = [];
  /** By the text of the ping after them: runs whose endings the client may hold. */
  readonly #unproven = new Map<string, readonly string[]>();
  /** Until the next ping may ask. */
  #resting: Timer | undefined;
  /** Runs whose ending was told on this socket: who asks on it has got it, or gets it before any answer. */
  readonly #told = new Set<string>();
  #pings = 0;

  constructor(socket: FrameSocket, { principal, connectionId }: ConnectionInfo, parts: ChatSocketParts) {
    this.#socket = socket;
    this.#userId = principal.userId;
    this.#caller = { door: DOOR, requestId: null, connectionId };
    this.#parts = parts;
  }

  serve(core: ServedConnection): void {
    this.#core = core;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  write(frames: readonly WireText[]): void {
    const wires: WireText[] = [];
    for (const frame of frames) for (const wire of this.#translated(frame)) wires.push(wire);
    if (wires.length > 0) this.#socket.write(wires);
    this.#askForProof();
    this.#leaveWhereIdle();
  }

  /** So that its next question goes where it is answered, and is not refused here until the last stream of others has ended. */
  #leaveWhereIdle(): void {
    if (this.#isLeaving && !this.#isOver && this.#byRequest.size === 0)
      this.close(CLOSE_CODES.goingAway, 'goingAway');
  }

  ping(text?: string): void {
    this.#socket.ping(text);
  }

  close(code: CloseCode, reason: string): void {
    this.#isOver = true;
    this.#socket.close(code, reason);
  }

  received(text: string): void {
    let requestId: string | undefined;
    let value: Readonly<Record<string, unknown>>;
    try {
      value = parseFrameText(text);
      requestId = requestIdOf(value);
      if (requestId === undefined) throw noRequestId();
      if (this.#byRequest.has(requestId) && value['type'] !== 'abort') throw requestIdInUse();
    } catch (error) {
      return void this.#core?.take({ error: RelayError.from(error) }); // nobody can be told: it counts as unreadable
    }
    try {
      this.#handle(requestId, readChatFrame(value));
    } catch (error) {
      this.#refuse(requestId, value['type'], RelayError.from(error));
    }
  }

  pong(text: string): void {
    if (this.#unproven.has(text)) this.#proveUpTo(text);
    this.#core?.pong(text);
  }

  drained(): void {
    this.#core?.drained();
  }

  closed(code: number): void {
    for (const reading of this.#ending.keys()) this.#cancel(reading); // it was one after all
    this.#isOver = true;
    this.#resting?.cancel();
    this.#core?.closed(code);
  }

  /** A client may answer the latest of several pings alone: that came after the others. */
  #proveUpTo(text: string): void {
    for (const [asked, epochs] of this.#unproven) {
      for (const epoch of epochs) this.#parts.chats.read.add(epoch);
      this.#unproven.delete(asked);
      if (asked === text) return;
    }
  }

  #handle(requestId: string, frame: ChatFrame): void {
    if (frame.type === 'abort') return void this.#abort(requestId);
    this.#handIn(frame.token);
    if (this.#isOver) return;
    if (frame.type === 'resume') return void this.#resume(requestId, frame);
    const { chatId, request } = frame;
    const { request: asked } = parseHttpRequest(request);
    const start = { type: 'start', id: streamIdFor(chatId), fresh: true, ...asked } as const;
    this.#ask(this.#open(requestId, chatId, 'send'), start);
  }

  /**
   * A fresh token keeps the connection open, as `auth` does on the relay's own. A page that somebody else has signed in to goes on with
   * its socket: what is asked then is not asked as the user of before, also before anybody has looked whether the token is good.
   * @throws RelayError unauthorized
   */
  #handIn(token: string | undefined): void {
    if (token === undefined) return;
    if (token !== this.#token) {
      this.#token = token;
      this.#isForeign = (claimedUser(token) ?? this.#userId) !== this.#userId;
      this.#core?.take({ frame: { type: 'auth', token } });
    }
    if (this.#isForeign) throw anotherUser();
  }

  #open(requestId: string, chatId: string, asks: ChatReading['asks']): ChatReading {
    const reading = new ChatReading(requestId, chatId, asks, this.#parts.chats.positions);
    this.#byRequest.set(requestId, reading);
    return reading;
  }

  /** Whoever read that stream before on this socket reads it no more. */
  #follow(reading: ChatReading, streamId: string): void {
    const before = this.#byStream.get(streamId);
    reading.streamId = streamId;
    this.#byStream.set(streamId, reading);
    if (before !== undefined) this.#fail(before, readElsewhere());
  }

  #resume(requestId: string, frame: Extract<ChatFrame, { type: 'resume' }>): void {
    const { chatId, lastSequence } = frame;
    if (this.#finding >= MAX_LOOKUPS) throw tooManyResumes();
    this.#core?.countFrame(); // the look-up costs more than a resume by a stream's own id, which is all but free
    if (this.#isOver) return;
    for (const [ended, timer] of this.#ending) {
      if (ended.chatId !== chatId) continue;
      timer.cancel();
      this.#forget(ended);
    }
    const reading = this.#open(requestId, chatId, 'resume');
    this.#finding += 1;
    this.#parts.chats
      .active(this.#userId, chatId)
      .then((stream) => this.#found(reading, lastSequence, stream))
      .catch((error) => this.#refuseReading(reading, RelayError.from(error)))
      .finally(() => {
        this.#finding -= 1;
      });
  }

  #found(reading: ChatReading, lastSequence: number | undefined, stream: StreamReference | undefined): void {
    if (this.#byRequest.get(reading.requestId) !== reading) return;
    if (this.#isOver) {
      if (reading.isAborted && stream?.state === 'live') this.#stop(stream); // it left, and its stop is one all the same
      return;
    }
    const isTold = stream?.state === 'ended' && this.#told.has(stream.epoch);
    if (stream === undefined || isTold) return void this.#sayNothingIsActive(reading);
    const { id, epoch } = stream;
    reading.held = lastSequence === undefined ? undefined : this.#held(reading, epoch, lastSequence);
    if (reading.isAborted && !this.#ending.has(reading)) {
      this.#follow(reading, id);
      reading.epoch = epoch;
      return void this.#cancel(reading);
    }
    const after = reading.held?.position?.seq ?? 0;
    this.#ask(reading, { type: 'resume', id, epoch, after });
  }

  #sayNothingIsActive(reading: ChatReading): void {
    this.#forget(reading);
    this.#socket.write([noActiveWire(reading.prefix)]);
    this.#leaveWhereIdle();
  }

  #ask(reading: ChatReading, frame: (StartFrame | ResumeFrame) & { readonly id: string }): void {
    const { id } = frame;
    this.#follow(reading, id);
    this.#asking.set(id, [...(this.#asking.get(id) ?? []), reading]);
    this.#core?.take({ frame });
  }

  /** Who is answered by the next answer about a stream, if that reads it still: another may have asked since. */
  #answered(id: string): ChatReading | undefined {
    const [reading, ...others] = this.#asking.get(id) ?? [];
    if (others.length > 0) this.#asking.set(id, others);
    else this.#asking.delete(id);
    return reading !== undefined && this.#byStream.get(id) === reading ? reading : undefined;
  }

  /** @throws RelayError resume_gap where that number says nothing here */
  #held({ requestId }: ChatReading, epoch: string, lastSequence: number): HeldChunks {
    if (lastSequence < SAME_FOR_ALL) return { lastSequence };
    const position = this.#parts.chats.positions.find(epoch, requestId, lastSequence);
    if (position === undefined) throw unknownSequence();
    return { lastSequence, position };
  }

  #abort(requestId: string): void {
    const reading = this.#byRequest.get(requestId);
    // The library ends its own reading of what has failed by one, too.
    if (reading === undefined || reading.isAborted) return void this.#countFree();
    reading.isAborted = true;
    if (reading.asks === 'send') return void this.#cancel(reading);
    const timer = this.#parts.clock.after(ASKED_AGAIN_MS, () => this.#cancel(reading));
    this.#ending.set(reading, timer);
    this.#countFree();
  }

  #cancel(reading: ChatReading): void {
    this.#ending.get(reading)?.cancel();
    this.#ending.delete(reading);
    const { streamId: id, epoch } = reading;
    if (id === undefined) return; // once it is found
    if (this.#isOver) this.#stop({ id, epoch });
    else this.#core?.take({ frame: { type: 'cancel', id } });
  }

  /** What was asked before the connection was over, which handles nothing any more. */
  #stop(answer: ChatAnswer): void {
    const { chats, observer } = this.#parts;
    const userId = this.#userId;
    chats.cancel(userId, answer, this.#caller).catch((error) => {
      const { code, cause } = RelayError.from(error);
      observer.refused({ ...this.#caller, userId, streamId: answer.id, of: 'cancel', code, cause });
    });
  }

  /** What costs next to nothing and gets no answer is not free either. */
  #countFree(): void {
    this.#core?.take({ frame: { type: 'ping' } });
  }

  /** As the connection refuses what it cannot read; it comes back as an error by that name. */
  #refuse(requestId: string, type: unknown, error: RelayError): void {
    const reading = this.#open(requestId, '', 'resume');
    const id = streamIdFor(requestId);
    this.#follow(reading, id);
    const of = type === 'send' ? 'start' : type === 'resume' ? 'resume' : undefined;
    this.#core?.take({ error, id, isMadeUp: true, ...(of && { of }) });
  }

  #refuseReading(reading: ChatReading, error: RelayError): void {
    if (this.#isOver || this.#byRequest.get(reading.requestId) !== reading) return;
    const id = streamIdFor(reading.chatId);
    this.#follow(reading, id);
    this.#core?.take({ error, id, isMadeUp: true, of: 'resume' });
  }

  #forget(reading: ChatReading): void {
    this.#ending.get(reading)?.cancel();
    this.#ending.delete(reading);
    this.#byRequest.delete(reading.requestId);
    const { streamId } = reading;
    if (streamId !== undefined && this.#byStream.get(streamId) === reading) this.#byStream.delete(streamId);
  }

  #fail(reading: ChatReading, error: Pick<RelayError, 'code' | 'message'>): void {
    this.#forget(reading);
    this.#socket.write([errorWire(reading.prefix, errorText(error))]);
  }

  /** What the client is told of a frame. */
  #translated(wire: WireText): readonly WireText[] {
    const [, id, seq] = CHUNK.exec(wire) ?? [];
    if (id !== undefined) return this.#byStream.get(id)?.text(wire, Number(seq)) ?? [];
    const frame = decodeFrame<ServerFrame>(wire);
    switch (frame.type) {
      case 'accepted':
      case 'resumed':
        return this.#answered(frame.id)?.opened(frame) ?? [];
      case 'thinking':
      case 'tool':
        return this.#byStream.get(frame.id)?.meanwhile(frame) ?? [];
      case 'done':
      case 'cancelled':
        return this.#ended(frame);
      case 'error':
        return isEnding(frame) ? this.#ended(frame) : this.#refused(frame);
      case 'going_away':
        this.#isLeaving = true;
        return [];
      default:
        return []; // about no stream, or not asked for here
    }
  }

  #ended(frame: EndingFrame): readonly WireText[] {
    const reading = this.#byStream.get(frame.id);
    // One that waits for `resumed` gets it again, after what is missing.
    if (reading === undefined || (reading.epoch === undefined && !reading.isAborted)) return [];
    const { epoch, isAborted } = reading;
    this.#forget(reading);
    if (epoch !== undefined) {
      this.#tell(epoch);
      if (isAborted) this.#parts.chats.read.add(epoch);
      else this.#leaving.push(epoch);
    }
    return reading.ended(frame);
  }

  #refused({ id = '', of, code, message }: ErrorFrame): readonly WireText[] {
    // What cannot be read on was answered before.
    const reading = this.#asking.has(id) && of !== 'cancel' ? this.#answered(id) : this.#byStream.get(id);
    // Of a cancel: the run is gone, or out of reach.
    if (reading === undefined || (of === 'cancel' && !reading.isAborted)) return [];
    this.#forget(reading);
    const isGone = of === 'resume' && code === 'unknown_stream';
    return [isGone ? noActiveWire(reading.prefix) : errorWire(reading.prefix, errorText({ code, message }))];
  }

  #tell(epoch: string): void {
    this.#told.add(epoch);
    const [oldest] = this.#told;
    if (this.#told.size > MAX_TOLD && oldest !== undefined) this.#told.delete(oldest);
  }

  /** Whoever answers a ping that came after an ending has got that. */
  #askForProof(): void {
    if (this.#leaving.length === 0 || this.#resting !== undefined || this.#isOver) return;
    this.#resting = this.#parts.clock.after(PROOF_EVERY_MS, () => {
      this.#resting = undefined;
      this.#askForProof();
    });
    const text = `chat ${++this.#pings}`;
    this.#unproven.set(text, this.#leaving);
    this.#leaving = [];
    this.#socket.ping(text);
  }
}

const CHUNK = /^\{"type":"chunk","id":"([A-Za-z0-9_-]{1,64})","seq":(\d+)/;

function isEnding(frame: ErrorFrame): frame is Extract<EndingFrame, ErrorFrame> {
  return frame.of === undefined && frame.id !== undefined && frame.seq !== undefined;
}

function anotherUser(): RelayError {
  return new RelayError(
    'unauthorized',
    'headers.authorization: of another user than this connection; connect anew',
  );
}

function noRequestId(): RelayError {
  return new RelayError('bad_request', 'requestId: a text that names the request');
}

function requestIdInUse(): RelayError {
  return new RelayError('bad_request', 'requestId: another request has it');
}

function readElsewhere(): RelayError {
  return new RelayError('conflict', 'another request of this connection reads this answer now');
}

function tooManyResumes(): RelayError {
  return new RelayError('too_many_streams', 'too many chats are resumed at once; wait for one', {
    cause: 'streams_of_connection',
  });
}

function unknownSequence(): RelayError {
  return new RelayError(
    'resume_gap',
    'lastSequence: this server cannot go on there; leave it out for the answer from its beginning',
  );
}
