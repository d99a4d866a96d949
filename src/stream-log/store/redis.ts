/** The shared store on Redis or Valkey: Redis Streams for logs, hashes for records, pub/sub for mailboxes. */
import { Malformed } from './malformed.ts';
import { decodeMessage, encodeMessage, isEpoch, SEPARATOR } from './message-text.ts';
import type {
  Addition,
  MachineMessage,
  SharedRun,
  SharedStore,
  StoredBatch,
  StoredPage,
  StoreTimes,
} from './port.ts';
import { FORMAT, RedisKeys } from './redis-keys.ts';
import { RedisLink } from './redis-link.ts';
import { LAST_ID } from './redis-scripts.ts';

/** Entries of one log at most, about: each holds up to 4 KiB or 200 ms, 20 ms while somebody follows. */
const MAX_ENTRIES = 16_384;
/** Entries of one reading, and about how many bytes. */
const READ_COUNT = 512;
const READ_BYTES = 1024 * 1024;
/** One entry, or one message: no delta is longer than an event of the API (4 MiB), and 256 KiB may stand before it. */
const MAX_ENTRY_BYTES = 8 * 1024 * 1024;

export interface RedisStoreOptions extends StoreTimes {
  readonly url: string;
  readonly machine: string;
  /** What all keys and channels begin with: letters, digits, `.`, `_`, `:` and `-`. */
  readonly prefix: string;
  /** A message came that no relay of this format sends; it is dropped. */
  readonly onMalformedMessage: () => void;
}

/** An entry of a Redis Stream: its id, then field and value. */
type Entry = readonly [string, readonly [string, string]];

export class RedisSharedStore implements SharedStore {
  readonly machine: string;
  readonly #times: StoreTimes;
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  #receive: (message: MachineMessage) => void = () => {};

  constructor({ url, machine, prefix, onMalformedMessage, ...times }: RedisStoreOptions) {
    this.machine = machine;
    this.#times = times;
    this.#keys = new RedisKeys(prefix);
    this.#link = new RedisLink(url, this.#keys.mailbox(machine), (text) => {
      const message = text.length > MAX_ENTRY_BYTES ? undefined : decodeMessage(text);
      if (message === undefined) onMalformedMessage();
      else this.#receive(message);
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
      this.connection.dashBeat(this.#keys.lease(machine), this.#keys.cancels(machine), this.#times.leaseMs),
      this.#link.checkMailbox(),
    ]);
    return (cancels as unknown[]).filter(isEpoch);
  }

  async alive(machines: readonly string[]): Promise<ReadonlySet<string>> {
    const leases = machines.map((machine) => this.#keys.lease(machine));
    const living = (await this.connection.dashAlive(leases.length, ...leases)) as number[];
    return new Set(machines.filter((_, index) => living[index] === 1));
  }

  async claim(run: SharedRun, maxLive: number): Promise<'claimed' | 'too_many' | SharedRun> {
    const most = Math.min(maxLive, Number.MAX_SAFE_INTEGER);
    const reply = await this.connection.dashClaim(
      this.#keys.run(run),
      this.#keys.live(run),
      ...fields(run),
      this.#times.liveMs,
      most,
      this.#keys.leases,
      this.#keys.logs,
    );
    return Array.isArray(reply) ? runOf(run.userId, run.id, reply) : (reply as 'claimed' | 'too_many');
  }

  async release(run: SharedRun): Promise<void> {
    await this.connection.dashRelease(this.#keys.run(run), this.#keys.live(run), run.epoch);
  }

  async find(userId: string, id: string): Promise<SharedRun | undefined> {
    const held = await this.connection.dashFind(this.#keys.run({ userId, id }));
    if (held === null) return undefined;
    if (held === 'malformed') throw new Malformed('the record of a run');
    return runOf(userId, id, held as string[]);
  }

  async restore(run: SharedRun, base: number): Promise<number | 'closed' | 'taken'> {
    const reply = await this.connection.dashRestore(
      ...this.#keysOf(run),
      ...fields(run),
      this.#times.liveMs,
      base,
    );
    return reply as number | 'closed' | 'taken';
  }

  async add(additions: readonly Addition[]): Promise<readonly boolean[]> {
    const reply = await this.connection.dashAdd(
      additions.length * 3,
      ...additions.flatMap(({ run }) => this.#keysOf(run)),
      this.#times.endedMs,
      MAX_ENTRIES,
      ...additions.flatMap(({ run, batch, ending, followers }) => [
        run.epoch,
        batch?.seq ?? 0,
        batch?.payload ?? '',
        ending ?? '',
        followers.map((machine) => this.#keys.mailbox(machine)).join(SEPARATOR),
      ]),
    );
    return (reply as number[]).map((added) => added === 1);
  }

  async read(epoch: string, after?: number): Promise<StoredPage> {
    const reply = await this.connection.dashRead(
      this.#keys.log(epoch),
      after === undefined ? '-' : `(${after}-0`,
      READ_COUNT,
      MAX_ENTRY_BYTES,
      READ_BYTES,
    );
    if (reply === 'malformed') throw new Malformed('the log of a run');
    const [entries, more] = reply as [Entry[], number];
    return pageOf(entries, more === 1);
  }

  async end(run: SharedRun, head: number, ending: string): Promise<'ended' | 'moved' | 'absent'> {
    const reply = await this.connection.dashEnd(
      ...this.#keysOf(run),
      run.epoch,
      head,
      ending,
      this.#times.endedMs,
    );
    return reply as 'ended' | 'moved' | 'absent';
  }

  async cancel({ owner, epoch }: SharedRun): Promise<void> {
    const message = encodeMessage({ type: 'cancel', epoch });
    await this.connection.dashCancel(
      this.#keys.cancels(owner),
      epoch,
      this.#times.liveMs,
      this.#keys.mailbox(owner),
      message,
    );
  }

  send(machine: string, message: MachineMessage): void {
    // A lost message is made up for: by the next one, or by reading the log.
    this.connection.publish(this.#keys.mailbox(machine), encodeMessage(message)).catch(() => {});
  }

  /** Every relay listens to its mailbox, whose name has its format. */
  async otherFormats(): Promise<readonly number[]> {
    const replies = await Promise.all(
      this.#keys.mailboxPatterns.map((pattern) => this.connection.pubsub('CHANNELS', pattern)),
    );
    const formats = (replies.flat() as string[]).map((channel) => this.#keys.formatOf(channel));
    return [...new Set(formats)].filter((format) => format !== undefined && format !== FORMAT) as number[];
  }

  async close(): Promise<void> {
    await this.connection.del(this.#keys.lease(this.machine)).catch(() => {}); // it lapses by itself as well
    this.#link.close();
  }

  #keysOf(run: SharedRun): [string, string, string] {
    return [this.#keys.run(run), this.#keys.live(run), this.#keys.log(run.epoch)];
  }
}

function fields({ epoch, requestHash, action, model, owner }: SharedRun): string[] {
  return [epoch, requestHash, action, model, owner];
}

function runOf(userId: string, id: string, held: readonly string[]): SharedRun {
  const [epoch = '', requestHash = '', action = '', model = '', owner = ''] = held;
  return { userId, id, epoch, requestHash, action, model, owner };
}

/** @throws Malformed for an entry that no relay writes */
function pageOf(entries: readonly Entry[], more: boolean): StoredPage {
  const batches: StoredBatch[] = [];
  let ending: string | undefined;
  for (const [id, [field, value]] of entries) {
    if (field === 'ending' && id === LAST_ID) ending = value;
    else if (field === 'deltas') batches.push({ seq: Number.parseInt(id, 10), payload: value });
    else if (field !== 'begin') throw new Malformed('an entry of a log');
  }
  return { exists: entries.length > 0, batches, ending, more };
}
