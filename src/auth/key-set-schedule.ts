/**
 * When to fetch the key set, as a pure state machine; all times are monotonic ms. It does no I/O and holds no key.
 *
 *            begin                succeed
 *   waiting ───────► fetching ───────────────► waiting, next fetch in 5 min
 *      ▲                 │ fail
 *      └─────────────────┴─► next fetch in 1, 2, 4, 8, 16, 30, 30… s
 *
 * A fetch begins when its time has come, or for a token whose key id is unknown: the issuer may have rotated. The
 * latter happens at most once in 5 s, and never between failed attempts, so that no flood of invented key ids and no
 * fault of the issuer makes us fetch more often; ids that come too soon are asked for when the 5 s are over, so that no
 * flood keeps a new key out for longer. Keys are served for 60 min after the fetch that brought them.
 */
export interface KeySetSchedule {
  readonly fetching: boolean;
  /** When the keys at hand were confirmed last; `undefined` before the first key set. */
  readonly loadedAt: number | undefined;
  /** Failed attempts in a row. */
  readonly failures: number;
  /** When the next fetch is due by itself. */
  readonly nextFetchAt: number;
  /** No fetch for an unknown key id before this. */
  readonly unknownKeyFetchAt: number;
  /** Whether key ids came that nobody has asked for yet: the next fetch is for them. */
  readonly wanted: boolean;
}

export const REFRESH_MS = 300_000;
export const STALE_MS = 3_600_000;
export const UNKNOWN_KEY_FETCH_MS = 5_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

export const NOTHING_FETCHED: KeySetSchedule = {
  fetching: false,
  loadedAt: undefined,
  failures: 0,
  nextFetchAt: 0,
  unknownKeyFetchAt: 0,
  wanted: false,
};

/** A fetch whose time has come. */
export function begin(schedule: KeySetSchedule, now: number): KeySetSchedule {
  return schedule.wanted ? beginForUnknownKey(schedule, now) : { ...schedule, fetching: true };
}

/** A fetch begun for unknown key ids; it takes the slot of the next 5 s. */
export function beginForUnknownKey(schedule: KeySetSchedule, now: number): KeySetSchedule {
  return { ...schedule, fetching: true, unknownKeyFetchAt: now + UNKNOWN_KEY_FETCH_MS, wanted: false };
}

/** An unknown key id came too soon: it is asked for as soon as it may be. */
export function want(schedule: KeySetSchedule): KeySetSchedule {
  const { nextFetchAt, unknownKeyFetchAt } = schedule;
  return { ...schedule, wanted: true, nextFetchAt: Math.min(nextFetchAt, unknownKeyFetchAt) };
}

export function succeed(schedule: KeySetSchedule, now: number): KeySetSchedule {
  return { ...schedule, fetching: false, loadedAt: now, failures: 0, nextFetchAt: now + REFRESH_MS };
}

export function fail(schedule: KeySetSchedule, now: number): KeySetSchedule {
  const failures = schedule.failures + 1;
  const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  return { ...schedule, fetching: false, failures, nextFetchAt: now + wait };
}

/** Whether the keys at hand may still be used. */
export function isServable({ loadedAt }: KeySetSchedule, now: number): boolean {
  return loadedAt !== undefined && now - loadedAt <= STALE_MS;
}

/**
 * What to do for a key id that is not at hand: `fetch` or `join` the fetch under way and look again, or say now that
 * it is `absent` (the issuer was asked, or may not be asked again yet) or that this is `unknowable` (it is failing).
 */
export function onUnknownKey(
  schedule: KeySetSchedule,
  now: number,
): 'fetch' | 'join' | 'absent' | 'unknowable' {
  if (schedule.fetching) return 'join';
  if (schedule.failures > 0 || !isServable(schedule, now)) return 'unknowable';
  return now >= schedule.unknownKeyFetchAt ? 'fetch' : 'absent';
}
