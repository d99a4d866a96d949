/**
 * Finds runs on other machines and brings them into the registry as streams to be read here, for as long as somebody
 * does. Only what is not on this machine comes this way.
 */
import { RelayError } from '../protocol/relay-error.ts';
import type { ReplicaLoss, SharedRun, SharedStreams } from '../stream-log/shared-port.ts';
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
  readonly #opening = new Map<string, Promise<StreamView | ReplicaLoss>>();

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
    const run = await this.#asked(type, () => this.#shared.find(userId, id));
    if (run === undefined) return undefined;
    const here = this.#here(run);
    if (here !== undefined) return here;
    const opened = await this.#asked(type, () => this.#opened(run));
    if (opened === 'refused') return undefined;
    if (opened === 'gap') return this.#unreadable(run, type);
    if (opened instanceof RemoteStream) await opened.begun();
    return opened;
  }

  /**
   * The run to attach to; `refused` where its owner refused it before it began, so that the id is free again.
   * @throws RelayError unavailable where the others cannot be asked, resume_gap where it cannot be read
   */
  async open(run: SharedRun): Promise<StreamView | 'refused'> {
    const opened = this.#here(run) ?? (await this.#asked('start', () => this.#opened(run)));
    if (opened === 'gap') throw resumeGap();
    return opened;
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

  async #asked<T>(type: 'resume' | 'cancel' | 'start', ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      throw type === 'resume' ? resumeGap() : unreachable(cause);
    }
  }

  /** A run whose log is of no use here can be stopped all the same; its ending is not to be had. */
  #unreadable(run: SharedRun, type: 'resume' | 'cancel'): undefined {
    if (type === 'resume') throw resumeGap();
    this.#shared.cancel(run).catch(() => {}); // its owner reads of it, or the run ends by itself
  }

  /** Once, however many ask at the same time. */
  #opened(run: SharedRun): Promise<StreamView | ReplicaLoss> {
    const { epoch } = run;
    const opening = this.#opening.get(epoch) ?? this.#open(run).finally(() => this.#opening.delete(epoch));
    this.#opening.set(epoch, opening);
    return opening;
  }

  async #open(run: SharedRun): Promise<StreamView | ReplicaLoss> {
    let stream: RemoteStream | undefined;
    const replica = await this.#shared.follow(run, {
      nowAccepted: () => stream?.nowAccepted(),
      grown: () => stream?.grown(),
      lost: () => stream?.lost(),
    });
    if (typeof replica === 'string') return replica;
    const here = this.#registry.find(run.userId, run.id);
    if (here !== undefined) {
      replica.release();
      return here; // the id was taken here meanwhile
    }
    stream = new RemoteStream(replica, this, this.#wheel);
    this.#registry.adopt(stream);
    return stream;
  }
}

function unreachable(cause: unknown): RelayError {
  return new RelayError('unavailable', 'the other servers cannot be asked now; try again', { cause });
}
