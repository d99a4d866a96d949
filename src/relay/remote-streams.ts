/**
 * Finds runs on other machines and brings them into the registry as streams to be read here, for as long as somebody
 * does. Only what is not on this machine comes this way.
 */
import { RelayError } from '../protocol/relay-error.ts';
import type { SharedRun, SharedStreams } from '../stream-log/shared-port.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import { resumeGap } from './refusals.ts';
import { RemoteStream, type RemoteStreamEvents } from './remote-stream.ts';
import type { StreamRegistry } from './stream-registry.ts';
import type { StreamView } from './stream-view.ts';

const CANCEL_AGAIN_MS = 1000;

export class RemoteStreams implements RemoteStreamEvents {
  readonly #shared: SharedStreams;
  readonly #registry: StreamRegistry;
  readonly #wheel: TimerWheel;
  readonly #opening = new Map<string, Promise<RemoteStream>>();

  constructor(shared: SharedStreams, registry: StreamRegistry, wheel: TimerWheel) {
    this.#shared = shared;
    this.#registry = registry;
    this.#wheel = wheel;
  }

  /**
   * The run that a frame is about, on any machine; accepted or refused by now if that can be had.
   * @throws RelayError where the others cannot be asked: resume_gap to a resume, otherwise unavailable
   */
  async find(
    userId: string,
    { id, type }: { id: string; type: 'resume' | 'cancel' },
  ): Promise<StreamView | undefined> {
    try {
      const run = await this.#shared.find(userId, id);
      if (run === undefined) return undefined;
      const here = this.#here(run);
      if (here !== undefined) return here;
      const stream = await this.#opened(run);
      await stream.begun();
      return stream;
    } catch (cause) {
      throw type === 'resume' ? resumeGap() : unreachable(cause);
    }
  }

  /** @throws RelayError unavailable */
  async open(run: SharedRun): Promise<StreamView> {
    try {
      return this.#here(run) ?? (await this.#opened(run));
    } catch (cause) {
      throw unreachable(cause);
    }
  }

  cancel(stream: RemoteStream): void {
    this.#shared.cancel(stream.run).catch(() => {
      this.#wheel.after(CANCEL_AGAIN_MS, () => {
        if (stream.ending === undefined) this.cancel(stream);
      });
    });
  }

  lost(stream: RemoteStream): void {
    this.#registry.drop(stream);
  }

  #here({ userId, id, epoch }: SharedRun): StreamView | undefined {
    const here = this.#registry.find(userId, id);
    return here?.epoch === epoch ? here : undefined;
  }

  /** Once, however many ask at the same time. */
  #opened(run: SharedRun): Promise<RemoteStream> {
    const { epoch } = run;
    const opening = this.#opening.get(epoch) ?? this.#open(run).finally(() => this.#opening.delete(epoch));
    this.#opening.set(epoch, opening);
    return opening;
  }

  async #open(run: SharedRun): Promise<RemoteStream> {
    let stream: RemoteStream | undefined;
    const replica = await this.#shared.follow(run, {
      nowAccepted: () => stream?.nowAccepted(),
      grown: () => stream?.grown(),
      lost: () => stream?.lost(),
    });
    if (this.#registry.find(run.userId, run.id) !== undefined) {
      replica.release();
      throw new Error('the id was taken here meanwhile');
    }
    stream = new RemoteStream(replica, this, this.#wheel);
    this.#registry.adopt(stream);
    return stream;
  }
}

function unreachable(cause: unknown): RelayError {
  return new RelayError('unavailable', 'the other servers cannot be asked now; try again', { cause });
}
