/**
 * One run: a stream with one log, one owner and one ending, apart from any socket.
 *
 *   opening ──quota reserved, intent committed──► live ──upstream ended──► settling ──row settled──► ended
 *      └──refused (no row, no call): the run never was
 *
 * `stop` works in every state: while opening no call is made; while live the upstream request is aborted; later it
 * changes nothing, since the ending that came first stands. Order is the point of this file, and the lines that keep
 * it say so: reservation before intent, intent before call, append before deliver, settle before ending.
 *
 * It does not know who may start it, how long it is kept, or how its readers write.
 */
import type { Principal } from '../auth/port.ts';

import type { AnswerToKeep, SettledAnswer, UsageLedger, UsageSettlement } from '../ledger/port.ts';

import type {
  AbortReason,
  Caller,
  Payer,
  RunIdentity,
  RunStep,
  RunTrace,
  StreamEnded,
  Tracer,
} from '../observability/port.ts';
import type {
  AcceptedFrame,
  EndingFrame,
  ListedStream,
  QuotaState,
  StreamRequest,
  Timing,
  Usage,
} from '../protocol/frames.ts';
import { interrupted } from '../protocol/interrupted.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { NO_USAGE, type UsageReading } from '../protocol/usage-reading.ts';
import type { WireText } from '../protocol/wire-text.ts';
import { utf8Length, utf16Length } from '../protocol/wire-text.ts';
import type { StreamLog } from '../stream-log/port.ts';
import type { Clock } from '../time/clock.ts';
import type { RunUploads, UploadedFiles } from '../uploads/port.ts';
import { unknownUpload } from '../uploads/refusals.ts';
import type { ToolProgress, UpstreamCall, UpstreamEnding, UpstreamSink } from '../upstream/port.ts';
import type { RunEvents } from '../webhooks/port.ts';
import { Ending, endingOf } from './ending.ts';
import { Interlude, type Moment } from './interlude.ts';
import type { Claim } from './port.ts';
import { countPrompt, type PromptCountParts } from './prompt-count.ts';
import { Readers } from './readers.ts';
import { tokenRevoked } from './refusals.ts';
import type { PreparedRequest } from './request.ts';
import type { RunView } from './run-view.ts';
import { MAX_EVENT_TEXT, textOf } from './text-of.ts';
import { traced } from './traced.ts';
import { uploadsIn } from './uploads-in.ts';

export interface RunParts extends PromptCountParts {
  readonly ledger: UsageLedger;
  readonly clock: Clock;
  /** Whether `usage` frames carry the cost (SHOW_COST). */
  readonly showCost: boolean;
  readonly tracer?: Tracer | undefined;
  /** Absent where none are taken. */
  readonly uploads?: RunUploads | undefined;
  /** Absent where the operator has no webhook. */
  readonly events?: RunEvents | undefined;
}

export interface RunSpec {
  readonly id: string;
  readonly epoch: string;
  readonly principal: Principal;
  readonly request: StreamRequest;
  readonly requestHash: string;
  readonly prepared: PreparedRequest;
  readonly onDisconnect: 'resume' | 'cancel';
  readonly userHash: string;
  readonly log: StreamLog;
  /** For how long after its ending its answer is kept on disk, ms; 0: it is not. */
  readonly keepMs: number;
  /** For the log. */
  readonly caller: Caller;
  /** Of the caller, for its trace. */
  readonly traceparent?: string | undefined;
}

export class Run implements RunView, UpstreamSink {
  // First what each delta touches: side by side it is one or two cache lines instead of five.
  readonly log: StreamLog;
  readonly readers = new Readers();
  #textLength = 0;
  #textBytes = 0;
  #firstTextAt: number | undefined;
  #lastTextAt = 0;

  readonly id: string;
  readonly epoch: string;
  readonly userId: string;
  readonly action: string;
  readonly model: string;
  readonly requestHash: string;
  readonly onDisconnect: 'resume' | 'cancel';
  readonly awaitsReader: boolean;

  readonly #parts: RunParts;
  readonly #origin: Caller & Payer;
  /** Undefined where nobody wants to know, and once it has ended. */
  #trace: RunTrace | undefined;
  /** Undefined once upstream has ended. */
  #upstreamAbort: AbortController | undefined = new AbortController();
  #spec: RunSpec | undefined;
  /** Where it began before `run`. */
  #prepared: Promise<void> | undefined;
  /** What its messages name, until it is sent. */
  #uploads: UploadedFiles | undefined;
  /** They are not needed any more. */
  #deleteUploads: (() => void) | undefined;
  #principal: Principal | undefined;
  #call: UpstreamCall | undefined;
  #accepted = false;
  #warning: QuotaState | undefined;
  /** Of its prompt, as they were reserved. */
  #estimatedTokens = 0;
  #ending: Ending | undefined;
  #interlude: Interlude | undefined;
  #abortReason: AbortReason | undefined;
  /** Of the machines that share it. */
  #claim: SharedClaim | undefined;
  /** Ends the wait for those, set meanwhile. */
  #endWait: (() => void) | undefined;
  #abortedAt = 0;
  readonly #startedAt: number;
  #calledAt = 0;
  /** Unix ms, as its row has them. */
  #beganAt = 0;
  #endedAt: number | undefined;

  constructor(spec: RunSpec, parts: RunParts) {
    this.id = spec.id;
    this.epoch = spec.epoch;
    this.userId = spec.principal.userId;
    this.action = spec.request.action;
    this.model = spec.prepared.model;
    this.requestHash = spec.requestHash;
    this.onDisconnect = spec.onDisconnect;
    this.awaitsReader = spec.request.notify === 'absent' && parts.events !== undefined;
    this.log = spec.log;
    const { organizationId, tier } = spec.principal;
    this.#origin = { ...spec.caller, organizationId, tier };
    this.#spec = spec;
    this.#principal = spec.principal;
    this.#parts = parts;
    this.#startedAt = parts.clock.elapsed();
    this.#trace = parts.tracer?.begin({
      ...this.identity(),
      ...this.#origin,
      traceparent: spec.traceparent,
    });
  }

  /** Whether its intent is committed: it has an epoch that a client may know. */
  get accepted(): boolean {
    return this.#accepted;
  }

  get principal(): Principal | undefined {
    return this.#principal;
  }

  get acceptedFrame(): AcceptedFrame {
    const { id, epoch, model } = this;
    const warning = this.#warning;
    return { type: 'accepted', id, epoch, model, ...(warning === undefined ? {} : { warning }) };
  }

  /** It is here. */
  get isLost(): boolean {
    return false;
  }

  get isRemote(): boolean {
    return false;
  }

  get isSettling(): boolean {
    return this.#upstreamAbort === undefined && this.#ending === undefined;
  }

  /** The ending, once the row is settled: the last entry of the log. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  get interlude(): Interlude | undefined {
    return this.#interlude;
  }

  /**
   * Reserves quota and commits the intent, then runs until the ending. Resolves when it has one. Never rejects after
   * acceptance, which `claim` is told of before any reader, and `accepted` after them.
   * @param claim where other machines share it
   * @throws RelayError if one of both is refused; nothing was called then, and neither row nor reservation is left.
   */
  async run(claim?: SharedClaim, accepted?: (run: RunView) => void): Promise<void> {
    try {
      await (this.#prepared ?? this.#prepare()); // reservation before intent
      await this.#commitIntent(); // intent before call
    } catch (cause) {
      this.#parts.quota.release(this.epoch); // it may be held, though its answer was lost
      throw cause;
    }
    this.#accepted = true;
    this.#claim = claim;
    claim?.publish(this);
    this.#parts.observer.streamStarted({ ...this.identity(), ...this.#origin });
    this.readers.accepted();
    accepted?.(this);
    await this.#settle(await this.#callUpstream());
  }

  /** Begins with what comes before the intent, while it is still asked whether it is to run at all: then `run`, or `withdraw`. */
  prepare(): void {
    this.#prepared = this.#prepare();
    this.#prepared.catch(() => {}); // `run` tells of it
  }

  /** It is not to run, and has no readers: what was prepared is given back. */
  withdraw(): void {
    this.#trace = undefined;
    this.#spec = undefined;
    this.#uploads = undefined;
    this.log.release();
    this.#giveBack();
  }

  /** Tells the readers that the run never was. */
  refuse(error: RelayError): void {
    this.#giveBack();
    this.#spec = undefined;
    this.#uploads = undefined;
    this.#trace?.refused(error.code);
    this.#trace = undefined;
    this.readers.refuse(error);
    this.log.release();
  }

  /**
   * Stops the run for that reason, unless something ended it before. What others have told outweighs every other reason,
   * and so does that they may have where this machine cannot wait to be told.
   */
  abort(reason: AbortReason): void {
    if (this.#ending !== undefined) return;
    const isGivenUp = reason === 'given_up' || (reason === 'interrupted' && this.#endWait !== undefined);
    if (this.#abortReason !== undefined && !isGivenUp) return;
    this.#abortReason = isGivenUp ? 'given_up' : reason;
    this.#abortedAt = this.#parts.clock.elapsed();
    this.#upstreamAbort?.abort();
    if (isGivenUp) this.#endWait?.();
  }

  text(json: WireText): void {
    const now = this.#parts.clock.elapsed();
    if (this.#firstTextAt === undefined) this.#firstTextAt = now;
    else this.#parts.observer.deltaAfter(now - this.#lastTextAt);
    this.#lastTextAt = now;
    this.#textLength += utf16Length(json);
    this.#textBytes += utf8Length(json);
    this.#append('text', json);
  }

  event(json: WireText): void {
    this.#append('event', json);
  }

  thinking(json?: WireText): void {
    this.#meanwhile({ kind: 'thinking', json });
  }

  /** What was said until a tool is called is billed, however long the tool takes. */
  tool(progress: ToolProgress): void {
    if (progress.state === 'running') this.#parts.ledger.touch(this.epoch);
    this.#meanwhile({ kind: 'tool', progress });
  }

  /** Until text comes it is one interlude, of however many blocks and tools. */
  #meanwhile(moment: Moment): void {
    const { head } = this.log;
    if (this.#interlude?.after !== head) this.#interlude = new Interlude(head);
    if (this.#interlude.add(moment)) this.readers.meanwhile();
  }

  began(): void {
    this.#parts.ledger.touch(this.epoch);
  }

  #append(kind: 'text' | 'event', json: WireText): void {
    this.log.append(kind, json); // append before deliver
    this.readers.wake();
  }

  /** Of what was prepared. */
  #giveBack(): void {
    const release = (): void => this.#parts.quota.release(this.epoch);
    this.#prepared?.then(release, release);
  }

  async #prepare(): Promise<void> {
    this.#beganAt = this.#parts.clock.now();
    await this.#takeUploads(); // what an image costs is known by its sides
    await this.#reserve();
  }

  async #takeUploads(): Promise<void> {
    const references = uploadsIn(this.#spec?.prepared.messages ?? []);
    const [first] = references;
    if (first === undefined) return;
    const taken = await this.#parts.uploads?.take(this.userId, references);
    if (taken === undefined) throw unknownUpload(first.message);
    this.#uploads = taken.files;
    this.#deleteUploads = taken.used;
  }

  async #reserve(): Promise<void> {
    const spec = this.#spec;
    if (spec === undefined) return;
    const { epoch, action } = this;
    const uploads = this.#uploads;
    const startedAt = this.#beganAt;
    const run = { ...spec.prepared, uploads, epoch, holder: spec.principal, action, startedAt };
    const { quota } = this.#parts;
    const { warning, promptTokens } = await this.#traced('quota', () => quota.reserve(run));
    this.#warning = warning;
    this.#estimatedTokens = promptTokens;
  }

  async #commitIntent(): Promise<void> {
    const intent = {
      epoch: this.epoch,
      streamId: this.id,
      userId: this.userId,
      organizationId: this.#spec?.principal.organizationId ?? null,
      action: this.action,
      model: this.model,
      startedAt: this.#beganAt,
      notify: this.awaitsReader,
    };
    const { ledger } = this.#parts;
    const answer = this.#answerToKeep();
    await this.#traced('ledger_intent', () => ledger.open(intent, () => this.#reading(), answer));
  }

  /** Asked with each save, and at the ending: nothing of it is per delta. */
  #answerToKeep(): AnswerToKeep | undefined {
    const { keepMs = 0 } = this.#spec ?? {};
    const cursor = keepMs > 0 ? this.log.cursor(0) : undefined;
    if (cursor === undefined) return undefined;
    const position = () => ({ head: this.log.head, textLength: this.#textLength });
    return { requestHash: this.requestHash, keepMs, cursor, position, again: () => this.log.cursor(0) };
  }

  /** Not async: the prompt must not stay on a stack for as long as the answer takes. */
  #callUpstream(): Promise<UpstreamEnding> {
    const spec = this.#spec;
    const signal = this.#upstreamAbort?.signal;
    const uploads = this.#uploads;
    this.#spec = undefined;
    this.#uploads = undefined;
    if (spec === undefined || signal === undefined || signal.aborted)
      return Promise.resolve({ kind: 'aborted', requestId: null });
    const request = {
      ...spec.prepared,
      uploads,
      epoch: this.epoch,
      userHash: spec.userHash,
      caller: spec.caller,
      ...(this.#trace && { trace: this.#trace }),
    };
    this.#calledAt = this.#parts.clock.elapsed();
    try {
      this.#call = this.#parts.upstream.open(request, this, signal);
    } catch (cause) {
      return Promise.resolve(failed(cause));
    }
    const call = this.#call;
    countPrompt(this.#parts, { call, request, signal }, this.#estimatedTokens); // beside the call, never before it
    return call.ended.catch(failed); // what was accepted has an ending, whatever becomes of its call
  }

  async #settle(upstream: UpstreamEnding): Promise<void> {
    const { clock, quota, observer } = this.#parts;
    const timing = this.#timing(clock.elapsed());
    const reading = this.#reading();
    this.#call = undefined; // an ended run is kept for minutes: only its log and its ending
    this.#upstreamAbort?.abort('ended'); // what is asked beside the call
    this.#upstreamAbort = undefined;
    this.#principal = undefined;
    this.#interlude = undefined;
    const confirmed = this.#claim?.confirmed();
    if (confirmed !== undefined) await this.#wait(confirmed); // one ending, for those elsewhere too
    this.#claim = undefined;
    const outcome = this.#outcome(upstream);
    const requestId = upstream.kind === 'failed' ? (upstream.error.requestId ?? null) : upstream.requestId;
    const { status } = outcome;
    const code = outcome.error?.code ?? null;
    const { firstTokenMs, totalMs } = timing;
    const settlement = { epoch: this.epoch, status, code, usage: reading, firstTokenMs, totalMs, requestId };
    const answer = this.#settledAnswer(
      status === 'done' && upstream.kind === 'done' ? upstream.stopReason : null,
    );
    const usageAt = (costUsd: number | null) => this.#usageFrame(reading, costUsd);
    const ending = (costUsd: number | null) =>
      this.#endingFrame(outcome, upstream, usageAt(costUsd), timing, requestId);
    const endedAt = clock.now();
    const cost = await this.#settleRow({ ...settlement, answer, endedAt, ending }); // settle before ending
    quota.settle({ epoch: this.epoch, status, code, usage: reading }); // after the ledger: counted twice, never not at all
    const costUsd = cost?.costUsd ?? null;
    this.#endedAt = endedAt;
    this.#ending = new Ending(ending(costUsd));
    this.log.seal();
    if (status !== 'error') this.#deleteUploads?.(); // after an error they are there for another try
    this.#deleteUploads = undefined;
    const ended: StreamEnded = {
      ...this.identity(),
      ...this.#origin,
      status,
      code,
      ...(upstream.kind === 'done' && status === 'done'
        ? { stopReason: upstream.stopReason, refusal: refusalOf(upstream) }
        : { stopReason: null, refusal: null }),
      abortReason: this.#endedBy(upstream),
      usage: usageAt(costUsd),
      servedModel: reading.model,
      costUsd,
      cacheSavedUsd: cost?.cacheSavedUsd ?? null,
      firstTokenShares: this.#firstTokenShares(),
      ...timing,
      upstreamClosedMs: timing.upstreamClosedMs ?? null,
      upstreamRequestId: requestId,
      cause: outcome.error?.cause,
    };
    observer.streamEnded(ended);
    this.#trace?.ended(ended);
    this.#trace = undefined;
    this.readers.wake();
  }

  /** For events, which are written with the row. */
  #settledAnswer(stopReason: string | null): SettledAnswer | undefined {
    const { events } = this.#parts;
    if (events === undefined) return undefined;
    const isAwaited = this.awaitsReader && this.#abortReason !== 'cancelled'; // who stops it knows
    const text = events.includeText ? textOf(this.log, MAX_EVENT_TEXT) : null;
    return { head: this.log.head, textLength: this.#textLength, stopReason, text, isAwaited };
  }

  /** Undefined where the ledger failed: the ending does not wait for it. */
  async #settleRow(settlement: UsageSettlement): Promise<SettledRow | undefined> {
    const { ledger, observer } = this.#parts;
    try {
      return await this.#traced('ledger_settlement', () => ledger.settle(settlement));
    } catch (cause) {
      observer.failed({ what: 'settle', cause, epoch: this.epoch });
      return undefined;
    }
  }

  #traced<Result>(step: RunStep, work: () => Promise<Result>): Promise<Result> {
    return this.#trace === undefined ? work() : traced(this.#trace, step, work);
  }

  /** Until `confirmed`, or until it is given up. */
  async #wait(confirmed: Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#endWait = resolve;
    void confirmed.then(resolve);
    await promise;
    this.#endWait = undefined;
  }

  /** Why it was stopped, where that is how it ended. */
  #endedBy(upstream: UpstreamEnding): AbortReason | null {
    const isStopped = upstream.kind === 'aborted' || this.#abortReason === 'given_up';
    return (isStopped ? this.#abortReason : undefined) ?? null;
  }

  /** Of two racing endings the first stands: upstream's own, unless it ended because it was stopped, or others told theirs. */
  #outcome(upstream: UpstreamEnding): { status: 'done' | 'cancelled' | 'error'; error?: RelayError } {
    const stopped = this.#endedBy(upstream);
    if (stopped === null && upstream.kind === 'done') return { status: 'done' };
    if (stopped === null && upstream.kind === 'failed') return { status: 'error', error: upstream.error };
    if (stopped === 'abandoned') {
      return { status: 'error', error: new RelayError('abandoned', 'nobody followed this stream any more') };
    }
    if (stopped === 'interrupted' || stopped === 'given_up') return { status: 'error', error: interrupted() };
    if (stopped === 'revoked') return { status: 'error', error: tokenRevoked() };
    return { status: 'cancelled' };
  }

  #endingFrame(
    outcome: { status: 'done' | 'cancelled' | 'error'; error?: RelayError },
    upstream: UpstreamEnding,
    usage: Usage,
    timing: Timing,
    requestId: string | null,
  ): EndingFrame {
    const { id } = this;
    const seq = this.log.head;
    const textLength = this.#textLength;
    const { error } = outcome;
    if (upstream.kind === 'done' && error === undefined) {
      const { stopReason, refusal, model: servedModel } = upstream;
      const model = servedModel ?? this.model;
      const refused = refusal === null ? {} : { refusal };
      return { type: 'done', id, seq, stopReason, ...refused, model, textLength, usage, timing };
    }
    if (error === undefined) return { type: 'cancelled', id, seq, textLength, usage, timing };
    const { code, message, retryable, retryAfterMs } = error;
    return {
      type: 'error',
      id,
      seq,
      code,
      message,
      retryable,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(requestId === null ? {} : { requestId }),
      usage,
    };
  }

  /** Nobody knows its epoch before it is accepted. */
  begun(): undefined {
    return undefined;
  }

  /** All that readers can hold is here. */
  reach(): undefined {
    return undefined;
  }

  endingBeyond(): undefined {
    return undefined;
  }

  endingRead(): void {
    if (this.awaitsReader) this.#parts.events?.endingRead(this.epoch);
  }

  release(): void {
    this.log.release();
  }

  identity(): RunIdentity {
    const { id: streamId, epoch, userId, action, model } = this;
    return { streamId, epoch, userId, action, model };
  }

  listed(): ListedStream {
    const { id, epoch, action, model } = this;
    const endedAt = this.#endedAt;
    const state = endedAt === undefined ? 'live' : 'ended';
    const whole = { head: this.log.head, startedAt: this.#beganAt, textLength: this.#textLength };
    const live = { id, epoch, action, model, state, ...whole } as const;
    if (this.#ending === undefined || endedAt === undefined) return live;
    return { ...live, endedAt, ...endingOf(this.#ending.frame) };
  }

  #reading(): UsageReading {
    return this.#call?.usage() ?? NO_USAGE;
  }

  #usageFrame(
    { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, thinkingTokens, source }: UsageReading,
    costUsd: number | null,
  ): Usage {
    const thought = thinkingTokens > 0 ? { thinkingTokens } : {};
    const usage = { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, ...thought, source };
    return this.#parts.showCost && costUsd !== null ? { ...usage, costUsd } : usage;
  }

  #firstTokenMs(): number | null {
    return this.#firstTextAt === undefined ? null : Math.round(this.#firstTextAt - this.#startedAt);
  }

  #firstTokenShares(): { relayMs: number; modelMs: number } | null {
    if (this.#firstTextAt === undefined) return null;
    return { relayMs: this.#calledAt - this.#startedAt, modelMs: this.#firstTextAt - this.#calledAt };
  }

  #timing(endedAt: number): Timing {
    const timing = {
      firstTokenMs: this.#firstTokenMs(),
      totalMs: Math.round(endedAt - this.#startedAt),
      chunks: this.log.head,
      bytes: this.#textBytes,
    };
    if (this.#abortReason === undefined) return timing;
    return { ...timing, upstreamClosedMs: Math.round((endedAt - this.#abortedAt) * 100) / 100 };
  }
}

type SharedClaim = Pick<Claim, 'publish' | 'confirmed'>;

type SettledRow = Awaited<ReturnType<UsageLedger['settle']>>;

function failed(cause: unknown): UpstreamEnding {
  return { kind: 'failed', error: RelayError.from(cause) };
}

/** Its category, for the log. */
function refusalOf({ refusal }: Extract<UpstreamEnding, { kind: 'done' }>): string | null {
  return refusal === null ? null : (refusal.category ?? 'unnamed');
}
