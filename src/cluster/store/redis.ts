/** The shared store on Redis or Valkey: Redis Streams for logs, hashes for records, pub/sub for mailboxes. */
import { randomBytes } from 'node:crypto';
import type { UserLimits } from '../../run/port.ts';
import { decodeListed, decodeTold, encodeErased, encodeListed } from './listed-text.ts';
import { decodeMessage, encodeMessage, isEpoch, SEPARATOR } from './message-text.ts';
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
  StoredBatch,
  StoredPage,
  StoreTimes,
  Told,
} from './port.ts';
import { Malformed } from './port.ts';
import { RedisFailure } from './redis-failure.ts';
import { FORMAT, RedisKeys } from './redis-keys.ts';
import { RedisLink } from './redis-link.ts';
import { LAST_ID, MAX_LISTED_BYTES } from './redis-scripts.ts';
import { RedisTable } from './redis-table.ts';

/** Entries of one log at most, about: each holds 200 ms, or 20 ms while somebody follows. */
const MAX_ENTRIES = 16_384;
/** How long a message to oneself may take, ms. */
const HEARD_MS = 2000;
/** Entries of one reading, and about how many bytes. */
const READ_COUNT = 512;
const READ_BYTES = 1024 * 1024;
/** One entry, or one message: no delta is longer than an event of the API (4 MiB), and 256 KiB may stand before it. */
const MAX_ENTRY_BYTES = 8 * 1024 * 1024;

/** What a dead owner's stream has come to, as the list has it. */
const GIVEN_UP = { state: 'ended', ending: 'error', code: 'interrupted' } as const;

const NO_LIMITS = { streams: Number.MAX_SAFE_INTEGER, startsPerMinute: Number.MAX_SAFE_INTEGER };

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
  /** Of the fleet. */
  readonly switches: RedisTable;
  /** The same. */
  readonly revocations: RedisTable;
  readonly #times: StoreTimes;
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  #receive: (message: MachineMessage) => void = () => {};
  #onLost: () => void = () => {};
  readonly #onMalformedMessage: () => void;
  /** Whether all that runs need was seen to work over these connections. */
  #proven = false;
  #rehearsal: { readonly epoch: string; heard(): void } | undefined;

  constructor({ url, machine, prefix, onMalformedMessage, ...times }: RedisStoreOptions) {
    this.machine = machine;
    this.#times = times;
    this.#keys = new RedisKeys(prefix);
    this.#onMalformedMessage = onMalformedMessage;
    const receive = (text: string): void => {
      const message = text.length > MAX_ENTRY_BYTES ? undefined : decodeMessage(text);
      if (message === undefined) onMalformedMessage();
      else if (message.epoch === this.#rehearsal?.epoch) this.#rehearsal.heard();
      else this.#receive(message);
    };
    const channels = {
      [this.#keys.mailbox(machine)]: receive,
      [this.#keys.forgets]: receive,
      [this.#keys.switches]: () => this.switches.told(),
      [this.#keys.revocations]: () => this.revocations.told(),
    };
    this.#link = new RedisLink(url, channels, (connection) => {
      this.#proven = false;
      if (connection === 'commands') this.#onLost();
    });
    this.switches = new RedisTable(this.#link, 'switches', this.#keys.switches);
    this.revocations = new RedisTable(this.#link, 'revocations', this.#keys.revocations);
  }

  /** For other uses of the same connection. */
  get connection(): RedisLink['commands'] {
    return this.#link.commands;
  }

  listen(receive: (message: MachineMessage) => void, onLost: () => void): void {
    this.#receive = receive;
    this.#onLost = onLost;
  }

  async beat(): Promise<readonly string[]> {
    const { machine } = this;
    await this.#link.attempted;
    if (!this.#proven) await this.#prove();
    const [cancels] = await Promise.all([
      this.#ask(
        'beat',
        this.connection.dashBeat(this.#keys.lease(machine), this.#keys.cancels(machine), this.#times.leaseMs),
      ),
      this.#link.checkMailbox(),
    ]);
    return (cancels as unknown[]).filter(isEpoch);
  }

  async endLease(machine: string): Promise<void> {
    await this.#ask('lease', this.connection.del(this.#keys.lease(machine)));
  }

  async alive(machines: readonly string[]): Promise<ReadonlySet<string>> {
    const leases = machines.map((machine) => this.#keys.lease(machine));
    const living = (await this.#ask(
      'alive',
      this.connection.dashAlive(leases.length, ...leases),
    )) as number[];
    return new Set(machines.filter((_, index) => living[index] === 1));
  }

  async claim(record: RunRecord, { streams, startsPerMinute }: UserLimits): Promise<Claimed> {
    const reply = await this.#ask(
      'claim',
      this.connection.dashClaim(
        this.#keys.run(record),
        this.#keys.live(record),
        this.#keys.starts(record),
        ...fields(record),
        this.#times.liveMs,
        Math.min(streams, Number.MAX_SAFE_INTEGER),
        this.#keys.leases,
        this.#keys.logs,
        Math.min(startsPerMinute, Number.MAX_SAFE_INTEGER),
      ),
    );
    if (typeof reply === 'number') return { retryAfterMs: reply };
    if (Array.isArray(reply)) return runOf(record.userId, record.id, reply);
    return reply as 'claimed' | 'uncounted' | 'too_many';
  }

  async release(record: RunRecord): Promise<void> {
    await this.#ask(
      'release',
      this.connection.dashRelease(this.#keys.run(record), this.#keys.live(record), record.epoch),
    );
  }

  async find(userId: string, id: string): Promise<RunRecord | undefined> {
    const held = await this.#ask('find', this.connection.dashFind(this.#keys.run({ userId, id })));
    return heldRun(userId, id, held);
  }

  async restore(record: RunRecord, base: number, isEnding: boolean): Promise<Restored> {
    const reply = await this.#ask(
      'restore',
      this.connection.dashRestore(
        ...this.#keysOf(record),
        ...fields(record),
        this.#times.liveMs,
        base,
        this.#keys.leases,
        this.#keys.logs,
        isEnding ? 1 : 0,
      ),
    );
    return reply as Restored;
  }

  /** However many there are, it is one command of few arguments: the client of Redis is dear for each of them. */
  async add(additions: readonly Addition[], payloads: Buffer): Promise<readonly number[]> {
    const { liveMs, endedMs } = this.#times;
    const { list, rest } = this.#listed(additions);
    const refused = await this.#ask(
      'add',
      this.connection.dashAdd(this.#keys.logs, liveMs, endedMs, MAX_ENTRIES, list, payloads, ...rest),
    );
    return (refused as number[]).map((item) => item - 1);
  }

  /** A line for each addition, and the arguments that only few of them have. */
  #listed(additions: readonly Addition[]): { readonly list: string; readonly rest: readonly string[] } {
    let list = '';
    const rest: string[] = [];
    for (const { record, begins, seq, bytes, ending, followers, listed } of additions) {
      let marks = '';
      if (begins) {
        marks += 'b';
        rest.push(this.#keys.run(record));
      }
      if (ending !== undefined) {
        marks += 'e';
        rest.push(this.#keys.run(record), this.#keys.live(record), ending);
      }
      if (followers.length > 0) {
        marks += 'f';
        rest.push(followers.map((machine) => this.#keys.mailbox(machine)).join(SEPARATOR));
      }
      if (listed !== undefined) {
        marks += 'l';
        rest.push(this.#keys.streams(record.userId), encodeListed(record.owner, listed));
      }
      list += `${record.epoch} ${seq} ${bytes} ${marks}\n`;
    }
    return { list, rest };
  }

  async read(epoch: string, after?: number): Promise<StoredPage> {
    const reply = await this.#ask(
      'read',
      this.connection.dashRead(
        this.#keys.log(epoch),
        after === undefined ? '-' : `(${after}-0`,
        READ_COUNT,
        MAX_ENTRY_BYTES,
        READ_BYTES,
      ),
    );
    if (reply === 'malformed') throw new Malformed('the log of a run');
    const [entries, more] = reply as [Entry[], number];
    return pageOf(entries, more === 1);
  }

  async end(record: RunRecord, head: number, ending: string): Promise<Ended> {
    const { liveMs, endedMs } = this.#times;
    const { epoch, owner, userId } = record;
    const keys = [...this.#keysOf(record), this.#keys.lease(owner), this.#keys.streams(userId)];
    const listed = JSON.stringify({ ...GIVEN_UP, head });
    const reply = await this.#ask(
      'end',
      this.connection.dashEnd(...keys, epoch, head, ending, endedMs, liveMs, listed),
    );
    return reply as Ended;
  }

  async cancel({ owner, epoch }: RunRecord): Promise<void> {
    await this.#ask(
      'cancel',
      this.connection.dashCancel(
        this.#keys.cancels(owner),
        epoch,
        this.#times.liveMs,
        this.#keys.mailbox(owner),
      ),
    );
  }

  async cancelHeld(userId: string, id: string): Promise<RunRecord | undefined> {
    const held = await this.#ask(
      'cancel',
      this.connection.dashCancelHeld(
        this.#keys.run({ userId, id }),
        this.#keys.cancels(''),
        this.#times.liveMs,
        this.#keys.mailbox(''),
        this.machine,
      ),
    );
    return heldRun(userId, id, held);
  }

  async forget(userId: string, id: string): Promise<void> {
    const run = { userId, id };
    await this.#ask(
      'forget',
      this.connection.dashForget(
        this.#keys.run(run),
        this.#keys.live(run),
        this.#keys.streams(userId),
        this.#keys.logs,
        this.#times.liveMs,
      ),
    );
  }

  async tellAll(message: ForgetMessage): Promise<number> {
    return await this.#ask('forget', this.connection.publish(this.#keys.forgets, encodeMessage(message)));
  }

  async listed(userId: string): Promise<readonly Listing[]> {
    const entries = await this.#ask(
      'listed',
      this.connection.dashListed(this.#keys.streams(userId), this.#keys.logs),
    );
    return (entries as string[]).map(decodeListed).filter((told) => told !== undefined);
  }

  async unlist(userId: string, stream?: ListedName): Promise<void> {
    const told = encodeErased(this.machine, stream);
    const epoch = stream === undefined ? [] : [stream.epoch];
    await this.#ask('unlist', this.connection.dashUnlist(this.#keys.streams(userId), told, ...epoch));
  }

  watch(userId: string, told: (told: Told) => void): Promise<void> {
    return this.#link.listen(this.#keys.streams(userId), {
      message: (text) => {
        const message = text.length > MAX_LISTED_BYTES ? undefined : decodeTold(text);
        if (message === undefined) this.#onMalformedMessage();
        else told(message);
      },
      missed: () => told({ change: 'missed' }),
    });
  }

  unwatch(userId: string): void {
    this.#link.unlisten(this.#keys.streams(userId));
  }

  send(machine: string, message: MachineMessage): void {
    // A lost message is made up for: by the next one, or by reading the log.
    this.connection.publish(this.#keys.mailbox(machine), encodeMessage(message)).catch(() => {});
  }

  /** Every relay listens to its mailbox, whose name has its format. */
  async neighbours(): Promise<Neighbours> {
    const replies = await Promise.all(
      this.#keys.mailboxPatterns.map((pattern) => this.connection.pubsub('CHANNELS', pattern)),
    );
    const channels = replies.flat() as string[];
    const formats = new Set(channels.map((channel) => this.#keys.formatOf(channel)));
    const mailboxes = this.#keys.mailbox('');
    return {
      machines: channels
        .filter((channel) => channel.startsWith(mailboxes))
        .map((channel) => channel.slice(mailboxes.length))
        .filter((machine) => machine !== this.machine),
      formats: [...formats].filter((format) => format !== undefined && format !== FORMAT) as number[],
    };
  }

  async close(): Promise<void> {
    await this.connection.del(this.#keys.lease(this.machine)).catch(() => {}); // it lapses by itself as well
    this.#link.close();
  }

  async #ask<Reply>(operation: string, reply: Promise<Reply>): Promise<Reply> {
    try {
      return await this.#link.answer(operation, reply);
    } catch (failure) {
      this.#proven = false;
      throw failure;
    }
  }

  /**
   * Plays one run through all that runs need, once for each connection: a user who may renew a lease and nothing else
   * would look like a Redis that works until somebody asks. Nothing is left of it.
   * @throws RedisFailure saying what does not work
   */
  async #prove(): Promise<void> {
    const { machine: owner } = this;
    const epoch = randomBytes(12).toString('base64url');
    const run = { userId: 'rehearsal', id: epoch, epoch, requestHash: '-', action: '-', model: '-', owner };
    await this.#link.checkMailbox();
    this.#link.requireDatabase();
    this.#proven = true;
    await this.claim(run, NO_LIMITS);
    const { id, userId } = run;
    const counts = { head: 0, startedAt: 0, textLength: 0 };
    const listed = { id, epoch, action: '-', model: '-', state: 'live', ...counts } as const;
    const first = { record: run, begins: true, seq: 1, bytes: 1, ending: undefined, followers: [], listed };
    await this.add([first], Buffer.from('-'));
    await this.listed(userId);
    await this.unlist(userId);
    await this.restore(run, 0, false);
    await this.find(run.userId, run.id);
    await this.end(run, 1, '{}');
    await this.read(epoch);
    await this.alive([owner]);
    await this.release(run);
    await this.#ask('delete', this.connection.del(this.#keys.log(epoch)));
    await this.#heardBack(run);
  }

  /** What this machine sends to itself arrives. */
  async #heardBack(record: RunRecord): Promise<void> {
    const { promise: heard, resolve, reject } = Promise.withResolvers<void>();
    this.#rehearsal = { epoch: record.epoch, heard: resolve };
    const timer = setTimeout(() => reject(deaf()), HEARD_MS);
    try {
      await Promise.all([this.cancel(record), heard]);
    } catch (failure) {
      this.#proven = false;
      throw failure;
    } finally {
      clearTimeout(timer);
      this.#rehearsal = undefined;
    }
  }

  #keysOf(record: RunRecord): [string, string, string] {
    return [this.#keys.run(record), this.#keys.live(record), this.#keys.log(record.epoch)];
  }
}

function deaf(): RedisFailure {
  return new RedisFailure('publish', Object.assign(new Error('no message arrived'), { code: 'DEAF' }));
}

function fields({ epoch, requestHash, action, model, owner }: RunRecord): string[] {
  return [epoch, requestHash, action, model, owner];
}

/** @throws Malformed */
function heldRun(userId: string, id: string, held: unknown): RunRecord | undefined {
  if (held === null) return undefined;
  if (held === 'malformed') throw new Malformed('the record of a run');
  return runOf(userId, id, held as string[]);
}

function runOf(userId: string, id: string, held: readonly string[]): RunRecord {
  const [epoch = '', requestHash = '', action = '', model = '', owner = ''] = held;
  return { userId, id, epoch, requestHash, action, model, owner };
}

const NOTHING: StoredPage = { exists: false, batches: [], ending: undefined, more: false };

/** @throws Malformed for an entry that no relay writes */
function pageOf(entries: readonly Entry[], more: boolean): StoredPage {
  const batches: StoredBatch[] = [];
  let ending: string | undefined;
  for (const [id, [field, value]] of entries) {
    if (field === 'ending' && id === LAST_ID && value === '') return NOTHING; // erased
    if (field === 'ending' && id === LAST_ID) ending = value;
    else if (field === 'deltas') batches.push({ seq: Number.parseInt(id, 10), payload: value });
    else if (field !== 'begin') throw new Malformed('an entry of a log');
  }
  return { exists: entries.length > 0, batches, ending, more };
}
