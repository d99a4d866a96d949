/**
 * Who is told which streams a user has: a list at first, then each that starts, ends or is erased, on this machine or another.
 * Where nobody watches it costs a look into an empty map at each start and ending, and nothing for a delta. A change is written as
 * text once, however many watch. What other machines say is heard only while somebody here wants to know.
 */
import type { ListedStream, StreamChange, StreamsFrame } from '../protocol/frames.ts';
import { encodeFrame, type WireText } from '../protocol/wire-text.ts';
import type { Cluster, StreamWatch, StreamWatcher, ToldOfStreams } from '../run/port.ts';
import type { RunRegistry } from '../run/registry.ts';
import type { RunView } from '../run/run-view.ts';
import type { TimerWheel } from '../time/timer-wheel.ts';
import type { StreamList } from './stream-list.ts';

/** Between two looks whether machines that run watched streams are still there, ms. */
const CHECK_MS = 5000;

export interface StreamWatchersParts {
  readonly registry: RunRegistry;
  readonly list: Pick<StreamList, 'newest'>;
  readonly wheel: TimerWheel;
  /** Absent where this is the only machine. */
  readonly cluster: Pick<Cluster, 'listed' | 'watch' | 'unwatch' | 'erased'> | undefined;
}

/** One user whose streams are watched. */
interface Watched {
  readonly userId: string;
  /** All of them. */
  readonly watchers: Set<StreamWatcher>;
  /** Of them those that wait for a list. */
  readonly waiting: Set<StreamWatcher>;
  /** Changes since the list began to be read; undefined while none is. */
  missed: WireText[] | undefined;
  /** What is being read may be older than what has to be said. */
  isStale: boolean;
  /** Other machines are heard. */
  readonly heard: Promise<unknown>;
  /** Epochs of live streams of other machines, as far as they were told. */
  readonly elsewhere: Set<string>;
}

export class StreamWatchers implements StreamWatch {
  readonly #parts: StreamWatchersParts;
  readonly #users = new Map<string, Watched>();
  /** Whose list is to be sent anew, one after the other: after an outage that may be all. */
  readonly #stale = new Set<Watched>();
  #refreshing = false;
  #checkIsDue = false;

  constructor(parts: StreamWatchersParts) {
    this.#parts = parts;
    parts.registry.onChange = (run) => this.#changed(run);
  }

  /** Users whose streams somebody watches. */
  get users(): number {
    return this.#users.size;
  }

  watch(userId: string, watcher: StreamWatcher): void {
    const watched = this.#users.get(userId) ?? this.#begin(userId);
    watched.watchers.add(watcher);
    watched.waiting.add(watcher);
    if (watched.missed === undefined) void this.#read(watched);
  }

  unwatch(userId: string, watcher: StreamWatcher): void {
    const watched = this.#users.get(userId);
    if (watched === undefined) return;
    watched.watchers.delete(watcher);
    watched.waiting.delete(watcher);
    if (watched.watchers.size > 0) return;
    this.#users.delete(userId);
    this.#stale.delete(watched);
    this.#parts.cluster?.unwatch(userId);
  }

  /** A stream was erased, with whatever runs had its id before. Resolves once other machines are told, or cannot be. */
  async erased(userId: string, id: string, epoch: string): Promise<void> {
    this.#told(userId, { id, epoch, state: 'erased' });
    await this.#tellOthers(userId, { id, epoch });
  }

  /** All streams of the user were erased: who watches gets the list anew. Likewise. */
  async allErased(userId: string): Promise<void> {
    await this.#tellOthers(userId);
    this.#told(userId, 'all_erased');
  }

  /** Who cannot be reached now reads the list anew as soon as it can be. */
  async #tellOthers(userId: string, stream?: Pick<ListedStream, 'id' | 'epoch'>): Promise<void> {
    await this.#parts.cluster?.erased(userId, stream).catch(() => {});
  }

  #begin(userId: string): Watched {
    const heard = this.#parts.cluster?.watch(userId, (told) => this.#told(userId, told));
    const watched: Watched = {
      userId,
      watchers: new Set(),
      waiting: new Set(),
      missed: undefined,
      isStale: false,
      heard: heard?.catch(() => {}) ?? Promise.resolve(), // it will be, and says that something was missed
      elsewhere: new Set(),
    };
    this.#users.set(userId, watched);
    return watched;
  }

  #changed(run: RunView): void {
    const watched = this.#users.get(run.userId);
    const listed = watched && run.listed();
    if (watched !== undefined && listed !== undefined) tell(watched, listed);
  }

  /** By another machine, or of an erasure. */
  #told(userId: string, told: ToldOfStreams): void {
    const watched = this.#users.get(userId);
    if (watched === undefined) return;
    if (told === 'missed' || told === 'all_erased') {
      this.#stale.add(watched);
      if (!this.#refreshing) void this.#refresh();
      return;
    }
    this.#note(watched, told);
    tell(watched, told);
  }

  /** One reading for all who wait: whoever comes meanwhile is told the changes of that time after it. */
  async #read(watched: Watched): Promise<void> {
    let list: StreamsFrame;
    do {
      watched.isStale = false;
      watched.missed = [];
      await watched.heard;
      list = await this.#parts.list.newest(watched.userId);
    } while (watched.isStale);
    for (const stream of list.streams) this.#note(watched, stream);
    const frames = [encodeFrame(list), ...watched.missed];
    watched.missed = undefined;
    for (const watcher of watched.waiting) for (const frame of frames) watcher.sendWire(frame);
    watched.waiting.clear();
  }

  async #refresh(): Promise<void> {
    this.#refreshing = true;
    for (const watched of this.#stale) {
      this.#stale.delete(watched);
      for (const watcher of watched.watchers) watched.waiting.add(watcher);
      watched.isStale = true;
      if (watched.missed === undefined) await this.#read(watched); // else it is read again
    }
    this.#refreshing = false;
  }

  /** Remembers what runs on other machines: its ending may never be told. */
  #note({ userId, elsewhere }: Watched, { id, epoch, state }: StreamChange): void {
    if (this.#parts.cluster === undefined) return;
    const here = this.#parts.registry.find(userId, id);
    const isElsewhere = state === 'live' && (here?.epoch !== epoch || here.isRemote);
    if (isElsewhere) elsewhere.add(epoch);
    else elsewhere.delete(epoch);
    if (isElsewhere) this.#checkLater();
  }

  #checkLater(): void {
    if (this.#checkIsDue) return;
    this.#checkIsDue = true;
    this.#parts.wheel.after(CHECK_MS, () => void this.#check());
  }

  /** A machine that died tells no endings. */
  async #check(): Promise<void> {
    for (const watched of this.#users.values())
      if (watched.elsewhere.size > 0) await this.#checkUser(watched);
    this.#checkIsDue = false;
    if ([...this.#users.values()].some(({ elsewhere }) => elsewhere.size > 0)) this.#checkLater();
  }

  async #checkUser(watched: Watched): Promise<void> {
    // While they cannot be asked nobody knows.
    const listed = await this.#parts.cluster?.listed(watched.userId).catch(() => undefined);
    if (listed === undefined) return;
    const states = new Map(listed.map((stream) => [stream.epoch, stream]));
    for (const epoch of watched.elsewhere) {
      const stream = states.get(epoch);
      if (stream?.state === 'live') continue;
      watched.elsewhere.delete(epoch);
      if (stream === undefined) this.#told(watched.userId, 'missed');
      else tell(watched, stream);
    }
  }
}

function tell({ watchers, waiting, missed }: Watched, change: StreamChange): void {
  const frame = encodeFrame({ type: 'stream', ...change });
  missed?.push(frame);
  for (const watcher of watchers) if (!waiting.has(watcher)) watcher.sendWire(frame);
}
