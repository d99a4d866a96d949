/** The shared store's twin in memory: one `SharedMemory` is what Redis is, each `MemorySharedStore` one machine's link. */

import type {
  Addition,
  Claimed,
  Ended,
  ForgetMessage,
  ListedName,
  Listing,
  MachineMessage,
  Neighbours,
  Restored,
  RunRecord,
  SharedStore,
  StoredPage,
  StoreTimes,
  Told,
} from '../../src/cluster/store/port.ts';
import type { UserLimits } from '../../src/run/port.ts';
import type { Clock, Timer } from '../../src/time/clock.ts';

interface MemoryLog {
  base: number;
  batches: { readonly seq: number; readonly payload: string }[];
  ending: string | undefined;
  /** Its owner may have told an ending that is not there yet. */
  isEnding: boolean;
}

type RunKey = `${string} ${string}`;

/** What a replica of the store holds. */
export type MemoryCopy = Pick<
  SharedMemory,
  'runs' | 'logs' | 'live' | 'leases' | 'starts' | 'cancels' | 'expiries'
>;

/** What the machines share. Time is the clock's: records and leases end by it. */
export class SharedMemory {
  readonly runs = new Map<RunKey, RunRecord>();
  readonly logs = new Map<string, MemoryLog>();
  readonly live = new Map<string, RunRecord>();
  readonly leases = new Map<string, number>();
  /** By user; of one minute that does not end. */
  readonly starts = new Map<string, number>();
  readonly cancels = new Map<string, Set<string>>();
  /** By epoch: when its record goes, and its log, elapsed ms. */
  readonly expiries = new Map<
    string,
    { readonly record: RunRecord; readonly at: number; readonly logAt: number }
  >();
  /** By user and epoch. */
  readonly streams = new Map<string, Map<string, Listing>>();
  readonly watches = new Set<{ readonly machine: string; readonly userId: string; told(told: Told): void }>();
  readonly mailboxes = new Map<string, (message: MachineMessage) => void>();
  /** False: every operation of every machine fails. */
  reachable = true;
  /** Of relays that a test has beside these. */
  otherFormats: readonly number[] = [];
  readonly clock: Clock;
  /** By epoch. */
  readonly #timers = new Map<string, Timer>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Loses everything, as FLUSHALL does. */
  flush(): void {
    for (const map of [
      this.runs,
      this.logs,
      this.live,
      this.leases,
      this.cancels,
      this.expiries,
      this.streams,
    ])
      map.clear();
  }

  /** What a replica would hold now. */
  copy(): MemoryCopy {
    const { runs, logs, live, leases, starts, cancels, expiries } = this;
    return structuredClone({ runs, logs, live, leases, starts, cancels, expiries });
  }

  /** A failover: what was written since the copy is lost. */
  become(copy: MemoryCopy): void {
    refill(this.runs, copy.runs);
    refill(this.logs, copy.logs);
    refill(this.live, copy.live);
    refill(this.leases, copy.leases);
    refill(this.starts, copy.starts);
    refill(this.cancels, copy.cancels);
    refill(this.expiries, copy.expiries);
    const now = this.clock.elapsed();
    for (const { record, at, logAt } of this.expiries.values()) this.expire(record, at - now, logAt - now);
  }

  list({ userId }: RunRecord, told: Listing): void {
    const { owner, stream } = told;
    this.streams.set(userId, (this.streams.get(userId) ?? new Map()).set(stream.epoch, told));
    this.tell(userId, { owner, change: stream });
  }

  tell(userId: string, told: Told): void {
    for (const watch of this.watches) if (watch.userId === userId) setImmediate(() => watch.told(told));
  }

  isAlive(machine: string): boolean {
    return (this.leases.get(machine) ?? 0) > this.clock.elapsed();
  }

  /** The run that has the id: not where its machine died before it began. */
  heldRun(record: RunRecord): RunRecord | undefined {
    const held = this.runs.get(keyOf(record));
    return held !== undefined && (this.isAlive(held.owner) || this.logs.has(held.epoch)) ? held : undefined;
  }

  /** Keeps it from now on for `ms`, unless another run has taken the id, and its log for `logMs`. */
  expire(record: RunRecord, ms: number, logMs = ms): void {
    const { epoch } = record;
    const now = this.clock.elapsed();
    this.expiries.set(epoch, { record, at: now + ms, logAt: now + logMs });
    this.#timers.get(epoch)?.cancel();
    const timer = this.clock.after(ms, () => this.#expired(record, logMs - ms));
    this.#timers.set(epoch, timer);
  }

  #expired(record: RunRecord, logMs: number): void {
    const { epoch } = record;
    if (this.runs.get(keyOf(record))?.epoch === epoch) this.runs.delete(keyOf(record));
    this.live.delete(epoch);
    if (logMs > 0) {
      this.expire(record, logMs);
      return;
    }
    this.#timers.delete(epoch);
    this.expiries.delete(epoch);
    this.logs.delete(epoch);
  }
}

export class MemorySharedStore implements SharedStore {
  readonly machine: string;
  readonly #memory: SharedMemory;
  readonly #times: StoreTimes;
  #onLost: () => void = () => {};

  constructor(memory: SharedMemory, machine: string, times: StoreTimes) {
    this.#memory = memory;
    this.machine = machine;
    this.#times = times;
  }

  listen(receive: (message: MachineMessage) => void, onLost: () => void): void {
    this.#onLost = onLost;
    this.#memory.mailboxes.set(this.machine, receive);
  }

  /** The connection is lost, and another is there at once. */
  reconnect(): void {
    this.#onLost();
  }

  async beat(): Promise<readonly string[]> {
    const { leases, cancels, clock } = this.#reached();
    leases.set(this.machine, clock.elapsed() + this.#times.leaseMs);
    const asked = [...(cancels.get(this.machine) ?? [])];
    cancels.delete(this.machine);
    return asked;
  }

  async endLease(machine: string): Promise<void> {
    this.#reached().leases.delete(machine);
  }

  async alive(machines: readonly string[]): Promise<ReadonlySet<string>> {
    const memory = this.#reached();
    return new Set(machines.filter((machine) => memory.isAlive(machine)));
  }

  async claim(record: RunRecord, { streams, startsPerMinute }: UserLimits): Promise<Claimed> {
    const memory = this.#reached();
    const held = memory.heldRun(record);
    if (held !== undefined) return held;
    const ofUser = [...memory.live.values()].filter(({ userId }) => userId === record.userId);
    if (ofUser.filter(({ owner }) => memory.isAlive(owner)).length >= streams) return 'too_many';
    const starts = (memory.starts.get(record.userId) ?? 0) + 1;
    memory.starts.set(record.userId, starts);
    if (starts > startsPerMinute) return { retryAfterMs: 60_000 };
    memory.runs.set(keyOf(record), record);
    memory.live.set(record.epoch, record);
    memory.expire(record, this.#times.liveMs);
    return 'claimed';
  }

  async release(record: RunRecord): Promise<void> {
    const { runs, live } = this.#reached();
    if (runs.get(keyOf(record))?.epoch === record.epoch) runs.delete(keyOf(record));
    live.delete(record.epoch);
  }

  async find(userId: string, id: string): Promise<RunRecord | undefined> {
    return this.#reached().runs.get(`${userId} ${id}`);
  }

  async restore(record: RunRecord, base: number, isEnding: boolean): Promise<Restored> {
    const memory = this.#reached();
    const { runs, logs, live } = memory;
    const log = logs.get(record.epoch);
    if (log?.ending === '') return 'forgotten';
    if (log?.ending !== undefined) return 'closed';
    const held = memory.heldRun(record);
    if (held !== undefined && held.epoch !== record.epoch) return 'taken';
    runs.set(keyOf(record), record);
    live.set(record.epoch, record);
    this.#memory.expire(record, this.#times.liveMs);
    const head = log === undefined ? undefined : headOf(log);
    if (log !== undefined && head !== undefined && head >= base) {
      log.isEnding ||= isEnding;
      return head;
    }
    logs.set(record.epoch, { base, batches: [], ending: undefined, isEnding });
    return base;
  }

  async add(additions: readonly Addition[], payloads: Buffer): Promise<readonly number[]> {
    this.#reached();
    const refused: number[] = [];
    let at = 0;
    for (const [index, addition] of additions.entries()) {
      const payload = payloads.toString('utf8', at, at + addition.bytes);
      at += addition.bytes;
      if (!this.#addOne(addition, payload)) refused.push(index);
    }
    return refused;
  }

  async read(epoch: string, after = -1): Promise<StoredPage> {
    const log = this.#reached().logs.get(epoch);
    if (log?.ending === '') return { exists: false, batches: [], ending: undefined, more: false };
    const batches = log?.batches.filter(({ seq }) => seq > after) ?? [];
    const ending = log?.ending;
    const exists = batches.length > 0 || ending !== undefined || (log !== undefined && after < log.base);
    return { exists, batches, ending, more: false };
  }

  async end(record: RunRecord, head: number, ending: string): Promise<Ended> {
    const memory = this.#reached();
    if (memory.isAlive(record.owner)) return 'owned';
    const log = memory.logs.get(record.epoch);
    if (log === undefined) return 'absent';
    if (log.ending !== undefined || headOf(log) > head) return 'moved';
    if (log.isEnding) return 'ending';
    if (headOf(log) < head) return headOf(log);
    this.#end(log, record, ending, this.#times.liveMs);
    const told = memory.streams.get(record.userId)?.get(record.epoch);
    const over = { state: 'ended', ending: 'error', code: 'interrupted', head } as const;
    if (told !== undefined) memory.list(record, { ...told, stream: { ...told.stream, ...over } });
    return 'ended';
  }

  async cancel({ owner, epoch }: RunRecord): Promise<void> {
    const { cancels } = this.#reached();
    cancels.set(owner, (cancels.get(owner) ?? new Set()).add(epoch));
    this.send(owner, { type: 'cancel', epoch });
  }

  async cancelHeld(userId: string, id: string): Promise<RunRecord | undefined> {
    const held = await this.find(userId, id);
    if (held === undefined) return undefined;
    this.send(held.owner, { type: 'follow', epoch: held.epoch, machine: this.machine });
    await this.cancel(held);
    return held;
  }

  async forget(userId: string, id: string): Promise<void> {
    const memory = this.#reached();
    const held = memory.runs.get(`${userId} ${id}`);
    if (held === undefined) return;
    memory.runs.delete(`${userId} ${id}`);
    memory.live.delete(held.epoch);
    memory.streams.get(userId)?.delete(held.epoch);
    memory.logs.set(held.epoch, { base: 0, batches: [], ending: '', isEnding: false });
    memory.expire(held, 0, this.#times.liveMs);
  }

  async tellAll(message: ForgetMessage): Promise<number> {
    const machines = [...this.#reached().mailboxes.keys()];
    for (const machine of machines) this.send(machine, message);
    return machines.length;
  }

  async listed(userId: string): Promise<readonly Listing[]> {
    const { streams, logs } = this.#reached();
    return [...(streams.get(userId)?.values() ?? [])].filter(({ stream }) => logs.has(stream.epoch));
  }

  async unlist(userId: string, stream?: ListedName): Promise<void> {
    const memory = this.#reached();
    if (stream === undefined) memory.streams.delete(userId);
    else memory.streams.get(userId)?.delete(stream.epoch);
    const change =
      stream === undefined
        ? 'all_erased'
        : ({ id: stream.id, epoch: stream.epoch, state: 'erased' } as const);
    memory.tell(userId, { owner: this.machine, change });
  }

  async watch(userId: string, told: (told: Told) => void): Promise<void> {
    this.#memory.watches.add({ machine: this.machine, userId, told });
    this.#reached();
  }

  unwatch(userId: string): void {
    const { watches } = this.#memory;
    for (const watch of watches)
      if (watch.userId === userId && watch.machine === this.machine) watches.delete(watch);
  }

  send(machine: string, message: MachineMessage): void {
    if (!this.#memory.reachable) return;
    setImmediate(() => this.#memory.mailboxes.get(machine)?.(message));
  }

  async neighbours(): Promise<Neighbours> {
    const { mailboxes, otherFormats: formats } = this.#reached();
    return { machines: [...mailboxes.keys()].filter((machine) => machine !== this.machine), formats };
  }

  async close(): Promise<void> {
    this.#memory.leases.delete(this.machine);
    this.#memory.mailboxes.delete(this.machine);
  }

  #addOne({ record, begins, seq, ending, followers, listed }: Addition, payload: string): boolean {
    const { runs, logs } = this.#memory;
    const isOurs = runs.get(keyOf(record))?.epoch === record.epoch;
    if (begins && (logs.has(record.epoch) || !isOurs)) return false;
    if (begins) logs.set(record.epoch, { base: 0, batches: [], ending: undefined, isEnding: false });
    const log = logs.get(record.epoch);
    if (log === undefined || log.ending !== undefined) return false;
    const batches = payload === '' ? [] : [{ seq, payload }];
    if (batches.length > 0 && seq <= headOf(log)) return false;
    log.batches.push(...batches);
    if (ending !== undefined) this.#end(log, record, ending);
    if (listed !== undefined) this.#memory.list(record, { owner: record.owner, stream: listed });
    const addition = { batches, ending };
    for (const machine of followers) this.send(machine, { type: 'added', epoch: record.epoch, addition });
    return true;
  }

  #end(log: MemoryLog, record: RunRecord, ending: string, logMs = this.#times.endedMs): void {
    log.ending = ending;
    this.#memory.live.delete(record.epoch);
    this.#memory.expire(record, this.#times.endedMs, logMs);
  }

  #reached(): SharedMemory {
    if (!this.#memory.reachable) throw new Error('the store cannot be reached');
    return this.#memory;
  }
}

function refill<K, V>(map: Map<K, V>, from: ReadonlyMap<K, V>): void {
  map.clear();
  for (const [key, value] of from) map.set(key, value);
}

function keyOf({ userId, id }: RunRecord): RunKey {
  return `${userId} ${id}`;
}

function headOf({ base, batches }: MemoryLog): number {
  return batches.at(-1)?.seq ?? base;
}
