/** The shared store on Redis or Valkey: Redis Streams for logs, hashes for records, pub/sub for mailboxes. */
import { decodeMessage, encodeMessage, SEPARATOR } from './message-text.ts';
import type { Addition, MachineMessage, SharedRun, SharedStore, StoredLog, StoreTimes } from './port.ts';
import { RedisLink } from './redis-link.ts';

const LEASE = 'dash:lease:';
const LOG = 'dash:log:';
const MAILBOX = 'dash:to:';
/** Entries of one log at most, about: each holds up to 4 KiB or 200 ms, 20 ms while somebody follows. */
const MAX_ENTRIES = 16_384;
/** Entries of one reading. */
const READ_COUNT = 512;

export interface RedisStoreOptions extends StoreTimes {
  readonly url: string;
  readonly machine: string;
}

export class RedisSharedStore implements SharedStore {
  readonly machine: string;
  readonly #times: StoreTimes;
  readonly #link: RedisLink;
  #receive: (message: MachineMessage) => void = () => {};

  constructor({ url, machine, ...times }: RedisStoreOptions) {
    this.machine = machine;
    this.#times = times;
    this.#link = new RedisLink(url, MAILBOX + machine, (text) => {
      const message = decodeMessage(text);
      if (message !== undefined) this.#receive(message);
    });
  }

  /** For other uses of the same connection. */
  get connection(): RedisLink['commands'] {
    return this.#link.commands;
  }

  listen(receive: (message: MachineMessage) => void): void {
    this.#receive = receive;
  }

  async beat(): Promise<readonly string[]> {
    const { machine } = this;
    await this.#link.attempted;
    const [cancels] = await Promise.all([
      this.connection.dashBeat(LEASE + machine, cancelsOf(machine), this.#times.leaseMs),
      this.#link.checkMailbox(),
    ]);
    return cancels as string[];
  }

  async alive(machines: readonly string[]): Promise<ReadonlySet<string>> {
    const leases = await this.connection.mget(machines.map((machine) => LEASE + machine));
    return new Set(machines.filter((_, index) => leases[index] !== null));
  }

  async claim(run: SharedRun, maxLive: number): Promise<'claimed' | 'too_many' | SharedRun> {
    const most = Math.min(maxLive, Number.MAX_SAFE_INTEGER);
    const reply = await this.connection.dashClaim(
      runKey(run),
      liveKey(run),
      ...fields(run),
      this.#times.liveMs,
      most,
      LEASE,
      LOG,
    );
    return Array.isArray(reply) ? runOf(run.userId, run.id, reply) : (reply as 'claimed' | 'too_many');
  }

  async release(run: SharedRun): Promise<void> {
    await this.connection.dashRelease(runKey(run), liveKey(run), run.epoch);
  }

  async find(userId: string, id: string): Promise<SharedRun | undefined> {
    const held = await this.connection.hmget(
      runKey({ userId, id }),
      'epoch',
      'requestHash',
      'action',
      'model',
      'owner',
    );
    return held[0] === null ? undefined : runOf(userId, id, held);
  }

  async restore(run: SharedRun, base: number): Promise<number | 'closed' | 'taken'> {
    const reply = await this.connection.dashRestore(...keysOf(run), ...fields(run), this.#times.liveMs, base);
    return reply as number | 'closed' | 'taken';
  }

  async add(additions: readonly Addition[]): Promise<readonly boolean[]> {
    const reply = await this.connection.dashAdd(
      additions.length * 3,
      ...additions.flatMap(({ run }) => keysOf(run)),
      this.#times.endedMs,
      MAX_ENTRIES,
      ...additions.flatMap(({ run, batch, ending, followers }) => [
        run.epoch,
        batch?.seq ?? 0,
        batch?.payload ?? '',
        ending ?? '',
        followers.map((machine) => MAILBOX + machine).join(SEPARATOR),
      ]),
    );
    return (reply as number[]).map((added) => added === 1);
  }

  async read(epoch: string, after?: number): Promise<StoredLog> {
    const log = { exists: false, batches: [] as { seq: number; payload: string }[], ending: undefined };
    let from = after === undefined ? '-' : `(${after}-0`;
    for (;;) {
      const entries = await this.connection.xrange(LOG + epoch, from, '+', 'COUNT', READ_COUNT);
      log.exists ||= entries.length > 0;
      for (const [id, [field, value = '']] of entries) {
        if (field === 'ending') return { ...log, ending: value };
        if (field === 'deltas') log.batches.push({ seq: Number.parseInt(id, 10), payload: value });
      }
      const last = entries.at(-1);
      if (last === undefined || entries.length < READ_COUNT) return log;
      from = `(${last[0]}`;
    }
  }

  async end(run: SharedRun, head: number, ending: string): Promise<'ended' | 'moved' | 'absent'> {
    const reply = await this.connection.dashEnd(...keysOf(run), run.epoch, head, ending, this.#times.endedMs);
    return reply as 'ended' | 'moved' | 'absent';
  }

  async cancel({ owner, epoch }: SharedRun): Promise<void> {
    const message = encodeMessage({ type: 'cancel', epoch });
    await this.connection.dashCancel(cancelsOf(owner), epoch, this.#times.liveMs, MAILBOX + owner, message);
  }

  send(machine: string, message: MachineMessage): void {
    // A lost message is made up for: by the next one, or by reading the log.
    this.connection.publish(MAILBOX + machine, encodeMessage(message)).catch(() => {});
  }

  async close(): Promise<void> {
    await this.connection.del(LEASE + this.machine).catch(() => {}); // it lapses by itself as well
    this.#link.close();
  }
}

function runKey({ userId, id }: Pick<SharedRun, 'userId' | 'id'>): string {
  return `dash:run:${userId}:${id}`;
}

function liveKey({ userId }: SharedRun): string {
  return `dash:live:${userId}`;
}

function keysOf(run: SharedRun): [string, string, string] {
  return [runKey(run), liveKey(run), LOG + run.epoch];
}

function cancelsOf(machine: string): string {
  return `dash:cancel:${machine}`;
}

function fields({ epoch, requestHash, action, model, owner }: SharedRun): string[] {
  return [epoch, requestHash, action, model, owner];
}

function runOf(userId: string, id: string, held: readonly (string | null)[]): SharedRun {
  const [epoch, requestHash, action, model, owner] = held.map((value) => value ?? '');
  if (epoch === undefined || requestHash === undefined) throw new Error('the record of a run is not whole');
  return { userId, id, epoch, requestHash, action: action ?? '', model: model ?? '', owner: owner ?? '' };
}
