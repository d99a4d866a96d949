/**
 * Which streams the user has, kept up to date for whoever listens: by the connection, whose relay tells each change, or by asking
 * now and then where there is none. Whatever was missed in between is told as a difference. It holds no text, and follows no stream.
 */
import type {
  ListedStream,
  StreamChange,
  StreamFrame,
  StreamPage,
  StreamsFrame,
} from '../protocol/frames.ts';
import type { Transport } from './dash-stream.ts';
import type { ClientClock, ClientTimer } from './platform.ts';
import type { RelayHttp } from './relay-http.ts';

/** Between two questions where no connection tells, ms. */
const POLL_MS = 20_000;
/** Until an incomplete list is asked for again, ms. */
const INCOMPLETE_MS = 30_000;
/** More are not held: the oldest ended ones go first. */
const MOST_HELD = 200;

/**
 * @param streams all that are known, newest first: the newest fifty, those that are live, and what came since
 * @param changes what is new about them; at first all. `erased`: it is gone, by whoever's wish or with time
 */
export type StreamsListener = (streams: readonly ListedStream[], changes: readonly StreamChange[]) => void;

export interface StreamWatchParts {
  readonly http: RelayHttp;
  readonly clock: ClientClock;
  choose(): Promise<Transport>;
  /** Has the connection tell; resolves when it does not any more. */
  listen(received: (frame: StreamFrame | StreamsFrame) => void): Promise<void>;
  /** The connection is needed no more for this. */
  unlisten(): void;
  /** Has the connection ask again. */
  again(): void;
}

export interface StreamWatch {
  readonly isOn: boolean;
  add(listener: StreamsListener): void;
  delete(listener: StreamsListener): void;
  /** What is known was another user's. */
  reset(): void;
  /** The device is back: nothing waits. */
  wake(): void;
  close(): void;
}

export function createStreamWatch({
  http,
  clock,
  choose,
  listen,
  unlisten,
  again,
}: StreamWatchParts): StreamWatch {
  const listeners = new Set<StreamsListener>();
  let known = new Map<string, ListedStream>();
  /** Undefined until there was a list. */
  let shown: readonly ListedStream[] | undefined;
  let isRunning = false;
  let timer: ClientTimer | undefined;
  let wake = (): void => {};

  const show = (changes: readonly StreamChange[]): void => {
    shown = [...known.values()].sort((one, other) => other.startedAt - one.startedAt);
    for (const { epoch, state } of shown.slice(MOST_HELD)) if (state !== 'live') known.delete(epoch);
    for (const listener of listeners) listener(shown, changes);
  };
  const changed = (change: StreamChange): void => {
    const before = known.get(change.epoch);
    if (change.state === 'erased') {
      const gone = [...known.values()].filter(({ id }) => id === change.id);
      for (const { epoch } of gone) known.delete(epoch);
      if (gone.length > 0) show([change]);
    } else if (!before || isNews(before, change)) {
      known.set(change.epoch, change);
      show([change]);
    }
  };
  /** What is older than the list goes, or is gone, only where the list is whole. */
  const listed = (streams: readonly ListedStream[], next: unknown, incomplete?: unknown): void => {
    const oldest = next ? Math.min(...streams.map(({ startedAt }) => startedAt)) : 0;
    const all = new Map(streams.map((stream) => [stream.epoch, stream]));
    const gone: StreamChange[] = [];
    for (const [epoch, stream] of known) {
      if (all.has(epoch)) continue;
      if (incomplete || stream.startedAt < oldest) all.set(epoch, stream);
      else gone.push({ id: stream.id, epoch, state: 'erased' });
    }
    const news = streams.filter((stream) => isNews(known.get(stream.epoch), stream));
    known = all;
    if (!shown || news.length + gone.length > 0) show([...gone, ...news]);
  };
  const received = (frame: StreamFrame | StreamsFrame): void => {
    if (frame.type === 'stream') {
      const { type: _, ...change } = frame;
      changed(change as StreamChange);
      return;
    }
    listed(frame.streams, frame.next, frame.incomplete);
    timer?.cancel();
    if (frame.incomplete) timer = clock.after(INCOMPLETE_MS, again);
  };
  const rest = (): Promise<void> =>
    new Promise((resolve) => {
      timer?.cancel();
      timer = clock.after(POLL_MS, resolve);
      wake = resolve;
    });
  const run = async (): Promise<void> => {
    isRunning = true;
    while (listeners.size > 0) {
      if ((await choose()) === 'websocket') await listen(received);
      else {
        const page = await http.read<StreamPage>('/v1/streams');
        if (page?.streams && listeners.size > 0) listed(page.streams, page.next);
      }
      if (listeners.size > 0) await rest();
    }
    isRunning = false;
  };
  const stop = (): void => {
    unlisten();
    timer?.cancel();
    wake();
    known.clear();
    shown = undefined;
  };
  return {
    get isOn() {
      return listeners.size > 0;
    },
    add(listener) {
      listeners.add(listener);
      if (shown) listener(shown, shown);
      if (!isRunning) void run();
    },
    delete(listener) {
      if (listeners.delete(listener) && listeners.size === 0) stop();
    },
    reset() {
      if (shown?.length) {
        const gone = shown.map(({ id, epoch }) => ({ id, epoch, state: 'erased' as const }));
        known.clear();
        show(gone);
      }
      wake();
    },
    wake: () => wake(),
    close() {
      listeners.clear();
      stop();
    },
  };
}

function isNews(before: ListedStream | undefined, { state }: ListedStream): boolean {
  return before?.state !== state;
}
