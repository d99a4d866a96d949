/**
 * Keeps the panel's figures, as the streams of this page tell them. Each live stream is looked at four times a second,
 * so that a delta costs nothing here.
 */
import type { Answer, DashClient, DashError, DashStream, Phase, Transport } from '../client/index.ts';
import {
  isQuiet,
  type LoggedEvent,
  NOTHING,
  type Reading,
  SAMPLE_MS,
  withFirstWords,
  withLoggedEvent,
  withSample,
  withUsage,
} from './reading.ts';

/** A stream under way. */
interface Followed {
  readonly name: string;
  readonly stream: DashStream;
  /** Of `performance.now()`. */
  readonly startedAt: number;
  /** Deltas counted so far. */
  counted: number;
  lost: boolean;
  hasWords: boolean;
}

export class Telemetry {
  readonly #followed = new Set<Followed>();
  readonly #listeners = new Set<() => void>();
  #reading = NOTHING;
  /** Deltas since the last sample. */
  #arrived = 0;
  #streams = 0;
  #events = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** As `useSyncExternalStore` wants them. */
  readonly read = (): Reading => this.#reading;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  note(text: string, tone: LoggedEvent['tone'] = 'plain'): void {
    this.#events += 1;
    this.#set(withLoggedEvent(this.#reading, { id: this.#events, at: Date.now(), text, tone }));
  }

  /** May be called for every frame. */
  used(transport: Transport): void {
    if (transport !== this.#reading.transport) this.#set({ ...this.#reading, transport });
  }

  /** `begin` starts a stream, or attaches to one, and passes its phases on. */
  follow(begin: (onPhase: (phase: Phase) => void) => DashStream): DashStream {
    const startedAt = performance.now();
    const stream = begin((phase) => this.#entered(followed, phase));
    const attached = stream.position.epoch !== undefined;
    this.#streams += 1;
    const followed: Followed = {
      name: `#${this.#streams}`,
      stream,
      startedAt,
      counted: stream.position.after,
      lost: attached,
      hasWords: attached,
    };
    if (attached) this.note(`${followed.name} is picked up after a reload`);
    this.#followed.add(followed);
    this.#set({ ...this.#reading, live: this.#followed.size });
    this.#timer ??= setInterval(() => this.#sample(), SAMPLE_MS);
    stream.final.then(
      (answer) => this.#ended(followed, answer),
      (error: DashError) => this.#failed(followed, error),
    );
    return stream;
  }

  #entered(followed: Followed, phase: Phase): void {
    const { name, stream, startedAt } = followed;
    const { after } = stream.position;
    if (phase === 'reconnecting') {
      followed.lost = true;
      this.note(`${name} lost its connection after delta ${after}`, 'bad');
    } else if (followed.lost && (phase === 'streaming' || phase === 'thinking')) {
      followed.lost = false;
      this.#set({ ...this.#reading, resumes: this.#reading.resumes + 1 });
      this.note(`${name} resumed after delta ${after}`, 'good');
    }
    if (phase === 'streaming' && !followed.hasWords) {
      followed.hasWords = true;
      this.#set(withFirstWords(this.#reading, Math.round(performance.now() - startedAt)));
    }
  }

  #ended(followed: Followed, { outcome, usage, timing, transport }: Answer): void {
    const { name } = followed;
    this.used(transport);
    this.#forget(followed);
    this.#set(withUsage(this.#reading, usage.inputTokens, usage.outputTokens));
    if (outcome === 'done') {
      this.note(`${name} is complete: ${timing.chunks} deltas, ${usage.outputTokens} tokens`, 'good');
    } else {
      const { upstreamClosedMs: ms } = timing;
      const closed = ms === undefined ? '' : ms < 1 ? ' within 1 ms' : ` in ${Math.round(ms)} ms`;
      this.note(`${name} stopped the model${closed}: ${usage.outputTokens} tokens billed`, 'good');
    }
  }

  #failed(followed: Followed, { code, usage }: DashError): void {
    this.#forget(followed);
    if (usage !== undefined) this.#set(withUsage(this.#reading, usage.inputTokens, usage.outputTokens));
    if (code !== 'detached' && code !== 'closed') this.note(`${followed.name} failed: ${code}`, 'bad');
  }

  #forget(followed: Followed): void {
    this.#count(followed);
    this.#followed.delete(followed);
    this.#set({ ...this.#reading, live: this.#followed.size });
  }

  #count(followed: Followed): void {
    const { after } = followed.stream.position;
    this.#arrived += after - followed.counted;
    followed.counted = after;
  }

  #sample(): void {
    for (const followed of this.#followed) this.#count(followed);
    this.#set(withSample(this.#reading, this.#arrived));
    this.#arrived = 0;
    if (!isQuiet(this.#reading)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #set(reading: Reading): void {
    this.#reading = reading;
    for (const listener of this.#listeners) listener();
  }
}

/**
 * A client that does what the given one does, tells the telemetry of each stream, and asks for the chosen model.
 * `model`: asked for each new stream; undefined leaves it to the relay.
 */
export function watchClient(
  client: DashClient,
  telemetry: Telemetry,
  model: () => string | undefined,
): DashClient {
  return {
    stream: (request, options = {}) =>
      telemetry.follow((note) =>
        client.stream(
          { ...request, model: model() ?? request.model },
          { ...options, onPhase: both(options.onPhase, note) },
        ),
      ),
    attach: (id, epoch, after, options = {}) =>
      telemetry.follow((note) =>
        client.attach(id, epoch, after, { ...options, onPhase: both(options.onPhase, note) }),
      ),
    onUser: (listener) => client.onUser(listener),
    streams: (page) => client.streams(page),
    watch: (listener) => client.watch(listener),
    forget: (id) => client.forget(id),
    forgetAll: () => client.forgetAll(),
    get keepsAnswers() {
      return client.keepsAnswers;
    },
    request: client.request,
    signOut: () => client.signOut(),
    close: () => client.close(),
  };
}

function both<T>(first: ((value: T) => void) | undefined, second: (value: T) => void): (value: T) => void {
  return (value) => {
    first?.(value);
    second(value);
  };
}
