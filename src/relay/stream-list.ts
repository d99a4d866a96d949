/**
 * Which streams a user has: those that are held here, on other machines and among the kept answers, as one list, newest first.
 * It reads; who is told of changes is `stream-watchers.ts`.
 */
import { type KeptAnswer, type KeptAnswers, type KeptPosition, newestFirst } from '../answers/port.ts';
import type { ListedStream, StreamPage, StreamsFrame } from '../protocol/frames.ts';
import { interrupted } from '../protocol/interrupted.ts';
import { RelayError } from '../protocol/relay-error.ts';
import { endingOf } from '../run/ending.ts';
import type { Cluster } from '../run/port.ts';
import type { RunRegistry } from '../run/registry.ts';

export interface StreamListParts {
  readonly registry: RunRegistry;
  /** Absent where this is the only machine. */
  readonly cluster?: Pick<Cluster, 'listed'> | undefined;
  /** Absent where nothing is kept. */
  readonly answers?: Pick<KeptAnswers, 'list'> | undefined;
}

/** As much of a stream as it takes to read it. */
export type StreamReference = Pick<ListedStream, 'id' | 'epoch' | 'state'>;

/** Which page: at most `limit`, those after `before`, which a page before named as `next`. */
export interface PageQuery {
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Streams of a page, at most and where nothing is said. */
export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 50;

export class StreamList {
  readonly #parts: StreamListParts;
  /** By user: the newest page, asked for in this turn. */
  readonly #asked = new Map<string, Promise<StreamPage>>();

  constructor(parts: StreamListParts) {
    this.#parts = parts;
  }

  /** @throws RelayError bad_request for a `before` that no page named, unavailable where somebody cannot be asked */
  async page(userId: string, { before, limit }: PageQuery): Promise<StreamPage> {
    const position = before === undefined ? undefined : positionOf(before);
    const [elsewhere, kept] = await Promise.all([
      this.#elsewhere(userId),
      this.#kept(userId, position, limit + 1),
    ]);
    return pageOf([...this.#held(userId), ...elsewhere, ...kept], position, limit);
  }

  /**
   * The newest whose id begins with that, of a page of the newest.
   * @throws RelayError unavailable where somebody cannot be asked, and none runs here
   */
  async newestNamed(userId: string, prefix: string): Promise<StreamReference | undefined> {
    return this.#openingNamed(userId, prefix)[0] ?? (await this.#listedNamed(userId, prefix))[0];
  }

  /**
   * Those that are live and whose id begins with that, newest first, of a page of the newest.
   * @throws RelayError likewise
   */
  async liveNamed(userId: string, prefix: string): Promise<readonly StreamReference[]> {
    const opening = this.#openingNamed(userId, prefix);
    const listed = await this.#listedNamed(userId, prefix);
    const live = listed.filter(
      ({ state, epoch }) => state === 'live' && !opening.some((run) => run.epoch === epoch),
    );
    return [...opening, ...live];
  }

  /** In no list yet, and newer than all that are. */
  #openingNamed(userId: string, prefix: string): StreamReference[] {
    const opening: StreamReference[] = [];
    for (const { accepted, id, epoch } of this.#parts.registry.runsOf(userId))
      if (!accepted && id.startsWith(prefix)) opening.unshift({ id, epoch, state: 'live' });
    return opening;
  }

  async #listedNamed(userId: string, prefix: string): Promise<readonly ListedStream[]> {
    const isNamed = ({ id }: ListedStream): boolean => id.startsWith(prefix);
    try {
      return (await this.#newestPage(userId)).streams.filter(isNamed);
    } catch (error) {
      // Others cannot be asked: what runs here is read and stopped all the same, as it is by its id.
      const here = this.#held(userId).filter((stream) => stream.state === 'live' && isNamed(stream));
      if (here.length === 0) throw error;
      return here.sort(newestFirst);
    }
  }

  /** One for all who ask in one turn of the event loop: a page may have ten chats. */
  #newestPage(userId: string): Promise<StreamPage> {
    const asked = this.#asked.get(userId);
    if (asked !== undefined) return asked;
    const page = this.page(userId, { limit: MAX_PAGE });
    this.#asked.set(userId, page);
    setImmediate(() => this.#asked.delete(userId));
    return page;
  }

  /** The newest, and all that are live. Never rejects: what cannot be had makes it incomplete. */
  async newest(userId: string): Promise<StreamsFrame> {
    const [elsewhere, kept] = await Promise.all([
      this.#elsewhere(userId).catch(() => undefined),
      this.#kept(userId, undefined, DEFAULT_PAGE + 1).catch(() => undefined),
    ]);
    const all = merged([...this.#held(userId), ...(elsewhere ?? []), ...(kept ?? [])]);
    const streams = all.filter(({ state }, at) => at < DEFAULT_PAGE || state === 'live');
    const last = all[DEFAULT_PAGE - 1];
    return {
      type: 'streams',
      streams,
      ...(last !== undefined && all.length > DEFAULT_PAGE ? { next: cursorOf(last) } : {}),
      ...(elsewhere === undefined || kept === undefined ? { incomplete: true } : {}),
    };
  }

  #held(userId: string): ListedStream[] {
    const held: ListedStream[] = [];
    for (const run of this.#parts.registry.runsOf(userId)) {
      const listed = run.accepted ? run.listed() : undefined;
      if (listed !== undefined) held.push(listed);
    }
    return held;
  }

  async #elsewhere(userId: string): Promise<readonly ListedStream[]> {
    return (await this.#parts.cluster?.listed(userId)) ?? [];
  }

  async #kept(userId: string, before: KeptPosition | undefined, limit: number): Promise<ListedStream[]> {
    const { answers } = this.#parts;
    if (answers === undefined) return [];
    const kept = await answers.list(userId, { ...(before && { before }), limit });
    return kept.map(listedAnswer);
  }
}

function pageOf(known: readonly ListedStream[], before: KeptPosition | undefined, limit: number): StreamPage {
  const all = merged(known.filter((stream) => before === undefined || newestFirst(before, stream) < 0));
  const streams = all.slice(0, limit);
  const last = streams.at(-1);
  return { streams, next: all.length > limit && last !== undefined ? cursorOf(last) : null };
}

/** Each run once: as who comes first knows it, unless another knows that it has ended. */
function merged(known: readonly ListedStream[]): ListedStream[] {
  const byEpoch = new Map<string, ListedStream>();
  for (const stream of known) {
    const other = byEpoch.get(stream.epoch);
    if (other === undefined || (other.state === 'live' && stream.state === 'ended'))
      byEpoch.set(stream.epoch, stream);
  }
  return [...byEpoch.values()].sort(newestFirst);
}

/** A dead one ended where it was saved last: that is what its readers are told. */
function listedAnswer(answer: KeptAnswer): ListedStream {
  const { streamId: id, epoch, action, model, head, startedAt, textLength, endedAt, ending, isDead } = answer;
  const isOver = ending !== undefined || isDead;
  const state = isOver ? 'ended' : 'live';
  const listed = { id, epoch, action, model, state, head, startedAt, textLength } as const;
  if (!isOver) return listed;
  const how =
    ending === undefined ? { ending: 'error' as const, code: interrupted().code } : endingOf(ending);
  return { ...listed, ...(endedAt === null ? {} : { endedAt }), ...how };
}

function cursorOf({ startedAt, epoch }: KeptPosition): string {
  return `${startedAt}.${epoch}`;
}

function positionOf(cursor: string): KeptPosition {
  const [, startedAt, epoch] = /^(\d{1,15})\.([A-Za-z0-9_-]{1,64})$/.exec(cursor) ?? [];
  if (startedAt === undefined || epoch === undefined)
    throw new RelayError('bad_request', 'before: the `next` of a page');
  return { startedAt: Number(startedAt), epoch };
}
