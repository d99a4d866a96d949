/**
 * The load itself: so many virtual users, each with some questions at a time, one after the other, from the ramp-up to the
 * end. Owns who asks when; the SDK of each user does the rest.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { DashError } from '../client/dash-error.ts';
import type { DashStream, Transport } from '../client/dash-stream.ts';
import type { TokenGetter } from '../client/tokens.ts';
import type { StreamRequest } from '../protocol/frames.ts';
import type { CostGuard } from './cost-guard.ts';
import type { Meter } from './meter.ts';
import { VirtualUser } from './virtual-user.ts';

/** What is under way at the end may finish for so long, ms. */
const FINISH_MS = 30_000;
/** After a question that failed, where the relay does not say how long, ms. */
const AFTER_FAILURE_MS = 1000;
/** How often somebody who waits for room in the costs asks again, ms. */
const ROOM_MS = 200;
/** A socket is cut within so many pieces of text, so that most answers are under way. */
const CUT_WITHIN = 20;

/** Why no more is asked. */
export type EndedBy = 'time' | 'interrupted' | 'cost';

export interface LoadShape {
  /** `http:` or `https:`. */
  readonly url: string;
  readonly transport: Transport;
  /** Questions under way at once. */
  readonly streams: number;
  readonly perSocket: number;
  readonly durationMs: number;
  /** Within which all have begun. */
  readonly rampMs: number;
  /** Between an answer and the next question. */
  readonly thinkMs: number;
  /** The share of questions whose connection is cut, 0 to 1. */
  readonly dropShare: number;
  /** Asked in turn. */
  readonly messages: readonly string[];
  readonly request: Omit<StreamRequest, 'messages'>;
}

export interface LoadTestParts {
  readonly shape: LoadShape;
  /** Of the users, in turn. */
  readonly tokens: readonly TokenGetter[];
  readonly meter: Meter;
  readonly guard: CostGuard;
}

export class LoadTest {
  readonly #parts: LoadTestParts;
  readonly #users: VirtualUser[];
  readonly #live = new Set<DashStream>();
  readonly #asking = new AbortController();
  #reason: EndedBy | null = null;
  #serial = 0;

  constructor(parts: LoadTestParts) {
    const { shape, tokens, meter } = parts;
    const { url, transport, streams, perSocket } = shape;
    this.#parts = parts;
    this.#users = Array.from({ length: Math.ceil(streams / perSocket) }, (_, index) => {
      const getToken = tokens[index % tokens.length] ?? (() => null);
      return new VirtualUser({ url, transport, getToken, meter });
    });
  }

  /** Asks until the time is over, it is stopped, or money is. Resolves when nothing is under way. */
  async run(): Promise<EndedBy> {
    const { shape } = this.#parts;
    const timer = setTimeout(() => this.#stop('time'), shape.durationMs);
    const lines = Array.from({ length: shape.streams }, (_, index) => this.#askOn(index));
    const late = setTimeout(() => this.#cancelAll(), shape.durationMs + FINISH_MS);
    await Promise.all(lines);
    clearTimeout(timer);
    clearTimeout(late);
    for (const user of this.#users) user.close();
    return this.#reason ?? 'time';
  }

  /** Asks nothing more, and stops the model wherever it answers. */
  interrupt(): void {
    this.#stop('interrupted');
    this.#cancelAll();
  }

  #stop(reason: EndedBy): void {
    this.#reason ??= reason;
    this.#asking.abort();
  }

  #cancelAll(): void {
    for (const stream of this.#live) stream.cancel().catch(() => undefined); // its line is told
  }

  /** One line of questions, each after the answer to the one before. */
  async #askOn(index: number): Promise<void> {
    const { shape } = this.#parts;
    const user = this.#users[Math.floor(index / shape.perSocket)];
    if (user === undefined) return;
    await this.#pause((shape.rampMs * index) / shape.streams);
    while (await this.#mayAsk()) await this.#pause(await this.#ask(user));
  }

  /** Ends early where nothing more is asked. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#asking;
    if (ms > 0 && !signal.aborted) await delay(ms, undefined, { signal }).catch(() => undefined);
  }

  /**
   * Waits until there is room in what it may cost, and takes it; where nothing is under way that could leave some, it is
   * over.
   */
  async #mayAsk(): Promise<boolean> {
    const { guard, meter } = this.#parts;
    while (!this.#asking.signal.aborted) {
      if (guard.hasRoom(meter.live)) {
        // Before anything is awaited: others that wait in the same turn must see this one.
        meter.asked();
        return true;
      }
      if (meter.live === 0) this.#stop('cost');
      await this.#pause(ROOM_MS);
    }
    return false;
  }

  /** One question and its answer. @returns how long to wait before the next one, ms */
  async #ask(user: VirtualUser): Promise<number> {
    const { shape, meter, guard } = this.#parts;
    const begun = performance.now();
    let pieces = 0;
    const cutAt = Math.random() < shape.dropShare ? 1 + Math.floor(Math.random() * CUT_WITHIN) : 0;
    const stream = user.client.stream(this.#nextRequest(), {
      onChunk() {
        pieces += 1;
        if (pieces === 1) meter.firstText(performance.now() - begun);
        if (pieces === cutAt) user.cut();
      },
    });
    this.#live.add(stream);
    try {
      const answer = await stream.final;
      meter.ended(answer, performance.now() - begun);
      guard.billed(answer.usage, answer.model);
      return shape.thinkMs;
    } catch (error) {
      if (!(error instanceof DashError)) throw error;
      meter.failedWith(error.code);
      if (error.usage !== undefined) guard.billed(error.usage, null);
      return Math.max(shape.thinkMs, error.retryAfterMs ?? AFTER_FAILURE_MS);
    } finally {
      this.#live.delete(stream);
    }
  }

  #nextRequest(): StreamRequest {
    const { messages, request } = this.#parts.shape;
    const content = messages[this.#serial % messages.length] ?? '';
    this.#serial += 1;
    return { ...request, messages: [{ role: 'user', content }] };
  }
}
