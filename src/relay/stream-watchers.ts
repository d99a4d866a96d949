/**
 * Who is told which streams a user has: a list at first, then each that starts, ends or is erased. Where nobody watches it
 * costs a look into an empty map at each start and ending, and nothing for a delta. A change is written as text once, however
 * many watch.
 */
import type { StreamChange } from '../protocol/frames.ts';
import { encodeFrame, type WireText } from '../protocol/wire-text.ts';
import type { StreamWatch, StreamWatcher } from '../run/port.ts';
import type { RunRegistry } from '../run/registry.ts';
import type { StreamList } from './stream-list.ts';

/** One user whose streams are watched. */
interface Watched {
  /** All of them. */
  readonly watchers: Set<StreamWatcher>;
  /** Of them those that wait for a list. */
  readonly waiting: Set<StreamWatcher>;
  /** Changes since the list began to be read; undefined while none is. */
  missed: WireText[] | undefined;
}

export class StreamWatchers implements StreamWatch {
  readonly #list: Pick<StreamList, 'newest'>;
  readonly #users = new Map<string, Watched>();

  constructor(registry: RunRegistry, list: Pick<StreamList, 'newest'>) {
    this.#list = list;
    registry.onChange = (run) => {
      const watched = this.#users.get(run.userId);
      const listed = watched && run.listed();
      if (watched !== undefined && listed !== undefined) tell(watched, listed);
    };
  }

  /** Users whose streams somebody watches. */
  get users(): number {
    return this.#users.size;
  }

  watch(userId: string, watcher: StreamWatcher): void {
    const watched = this.#users.get(userId) ?? {
      watchers: new Set(),
      waiting: new Set(),
      missed: undefined,
    };
    this.#users.set(userId, watched);
    watched.watchers.add(watcher);
    watched.waiting.add(watcher);
    if (watched.missed === undefined) void this.#read(userId, watched);
  }

  unwatch(userId: string, watcher: StreamWatcher): void {
    const watched = this.#users.get(userId);
    watched?.watchers.delete(watcher);
    watched?.waiting.delete(watcher);
    if (watched?.watchers.size === 0) this.#users.delete(userId);
  }

  /** A stream was erased, with whatever runs had its id before. */
  erased(userId: string, id: string, epoch: string): void {
    const watched = this.#users.get(userId);
    if (watched !== undefined) tell(watched, { id, epoch, state: 'erased' });
  }

  /** All streams of the user were erased: who watches gets the list anew. */
  allErased(userId: string): void {
    const watched = this.#users.get(userId);
    if (watched !== undefined) for (const watcher of watched.watchers) this.watch(userId, watcher);
  }

  /** One reading for all who wait: whoever comes meanwhile is told the changes of that time after it. */
  async #read(userId: string, watched: Watched): Promise<void> {
    watched.missed = [];
    const list = encodeFrame(await this.#list.newest(userId));
    const frames = [list, ...watched.missed];
    watched.missed = undefined;
    for (const watcher of watched.waiting) for (const frame of frames) watcher.sendWire(frame);
    watched.waiting.clear();
  }
}

function tell({ watchers, waiting, missed }: Watched, change: StreamChange): void {
  const frame = encodeFrame({ type: 'stream', ...change });
  missed?.push(frame);
  for (const watcher of watchers) if (!waiting.has(watcher)) watcher.sendWire(frame);
}
