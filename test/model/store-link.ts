/**
 * One process's way to the shared store, with what a network and a Redis do to it. Commands and messages travel by
 * connections of their own; commands keep their order.
 */
import type {
  Addition,
  Claimed,
  ForgetMessage,
  Listing,
  MachineMessage,
  Neighbours,
  Restored,
  RunRecord,
  SharedStore,
  StoredPage,
} from '../../src/cluster/store/port.ts';
import type { UserLimits } from '../../src/run/port.ts';
import type { Clock } from '../../src/time/clock.ts';
import { MemorySharedStore, type SharedMemory } from '../support/memory-shared-store.ts';
import { noteActivity } from '../support/quiet.ts';

/** When a command without an answer fails: as the link to Redis does. */
const COMMAND_MS = 2000;

/**
 * `away`: commands fail at once. `frozen`: nothing moves; what was sent is carried out later, whoever still waits for it.
 * `mute`: what is sent is carried out, and its answer is lost.
 */
export type LinkState = 'up' | 'away' | 'frozen' | 'mute';

/** What becomes of messages while the link is up. */
export type MailState = 'arrive' | 'wait' | 'lost' | 'twice';

interface Waiting {
  execute(): void;
  lose(): void;
}

export class StoreLink implements SharedStore {
  readonly machine: string;
  /** By epoch: when the store was last asked to keep others from ending that run, elapsed ms. */
  readonly endings = new Map<string, number>();
  readonly #memory: SharedMemory;
  readonly #store: MemorySharedStore;
  readonly #clock: Clock;
  #state: LinkState = 'up';
  #mail: MailState = 'arrive';
  #latencyMs = 0;
  /** When the last command on its way arrives, elapsed ms. */
  #busyUntil = 0;
  readonly #frozen: Waiting[] = [];
  readonly #underWay = new Set<Waiting>();
  readonly #letters: MachineMessage[] = [];
  #receive: (message: MachineMessage) => void = () => {};
  #isKilled = false;

  constructor(
    memory: SharedMemory,
    machine: string,
    times: { leaseMs: number; liveMs: number; endedMs: number },
    clock: Clock,
  ) {
    this.machine = machine;
    this.#memory = memory;
    this.#store = new MemorySharedStore(memory, machine, times);
    this.#clock = clock;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Nothing is wrong with it. */
  get isSound(): boolean {
    return this.#state === 'up' && this.#latencyMs === 0;
  }

  get mail(): MailState {
    return this.#mail;
  }

  become(state: LinkState): void {
    if (this.#state === 'mute' || state === 'away') this.#loseAll();
    this.#state = state;
    if (state !== 'up') return;
    for (const { execute } of this.#frozen.splice(0)) execute();
    if (this.#mail !== 'wait') this.#deliverAll();
  }

  set latencyMs(ms: number) {
    this.#latencyMs = ms;
  }

  becomeMail(mail: MailState): void {
    this.#mail = mail;
    if (mail !== 'wait' && this.#state !== 'frozen') this.#deliverAll();
  }

  /** The connection is lost, with all that is on its way, and a new one is there at once. */
  reconnect(): void {
    this.#loseAll();
    this.#store.reconnect();
  }

  /** The process is gone; what it sent before is carried out nonetheless. */
  kill(): void {
    this.#isKilled = true;
    this.#memory.mailboxes.delete(this.machine);
  }

  listen(receive: (message: MachineMessage) => void, onLost: () => void): void {
    this.#receive = receive;
    this.#store.listen((message) => this.#arrived(message), onLost);
  }

  beat(): Promise<readonly string[]> {
    return this.#ask(() => this.#store.beat());
  }

  endLease(machine: string): Promise<void> {
    return this.#ask(() => this.#store.endLease(machine));
  }

  alive(machines: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#ask(() => this.#store.alive(machines));
  }

  claim(record: RunRecord, limits: UserLimits): Promise<Claimed> {
    return this.#ask(() => this.#store.claim(record, limits));
  }

  release(record: RunRecord): Promise<void> {
    return this.#ask(() => this.#store.release(record));
  }

  find(userId: string, id: string): Promise<RunRecord | undefined> {
    return this.#ask(() => this.#store.find(userId, id));
  }

  restore(record: RunRecord, base: number, isEnding: boolean): Promise<Restored> {
    if (isEnding) this.endings.set(record.epoch, this.#clock.elapsed());
    return this.#ask(() => this.#store.restore(record, base, isEnding));
  }

  add(additions: readonly Addition[], payloads: Buffer): Promise<readonly number[]> {
    const sent = Buffer.from(payloads);
    return this.#ask(() => this.#store.add(additions, sent));
  }

  read(epoch: string, after?: number): Promise<StoredPage> {
    return this.#ask(() => this.#store.read(epoch, after));
  }

  end(...ending: Parameters<SharedStore['end']>): ReturnType<SharedStore['end']> {
    return this.#ask(() => this.#store.end(...ending));
  }

  cancel(record: RunRecord): Promise<void> {
    return this.#ask(() => this.#store.cancel(record));
  }

  cancelHeld(userId: string, id: string): Promise<RunRecord | undefined> {
    return this.#ask(() => this.#store.cancelHeld(userId, id));
  }

  forget(userId: string, id: string): Promise<void> {
    return this.#ask(() => this.#store.forget(userId, id));
  }

  tellAll(message: ForgetMessage): Promise<number> {
    return this.#ask(() => this.#store.tellAll(message));
  }

  listed(userId: string): Promise<readonly Listing[]> {
    return this.#ask(() => this.#store.listed(userId));
  }

  unlist(...erased: Parameters<SharedStore['unlist']>): Promise<void> {
    return this.#ask(() => this.#store.unlist(...erased));
  }

  watch(...watched: Parameters<SharedStore['watch']>): Promise<void> {
    return this.#ask(() => this.#store.watch(...watched));
  }

  unwatch(userId: string): void {
    this.#store.unwatch(userId);
  }

  send(machine: string, message: MachineMessage): void {
    this.#ask(async () => this.#store.send(machine, message)).catch(() => {}); // nobody is told: it is lost
  }

  neighbours(): Promise<Neighbours> {
    return this.#ask(() => this.#store.neighbours());
  }

  async close(): Promise<void> {
    if (this.#state === 'up') await this.#store.close();
    this.kill();
  }

  #ask<T>(operation: () => Promise<T>): Promise<T> {
    noteActivity();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#isKilled) return promise;
    if (this.#state === 'away') return Promise.reject(new Error('the store is away'));
    if (this.isSound) return operation();
    const isMute = this.#state === 'mute';
    const late = this.#clock.after(COMMAND_MS, () => waiting.lose());
    const waiting: Waiting = {
      execute: () => {
        const answered = operation();
        if (isMute) return void answered.catch(() => {}); // its caller is told that none came
        void answered.then(resolve, reject).finally(() => this.#over(waiting, late));
      },
      lose: () => {
        reject(new Error('no answer'));
        this.#over(waiting, late);
      },
    };
    this.#underWay.add(waiting);
    this.#transport(waiting);
    return promise;
  }

  #transport(waiting: Waiting): void {
    if (this.#state === 'frozen') {
      this.#frozen.push(waiting);
    } else if (this.#latencyMs === 0) {
      waiting.execute();
    } else {
      const now = this.#clock.elapsed();
      this.#busyUntil = Math.max(this.#busyUntil, now + this.#latencyMs);
      this.#clock.after(this.#busyUntil - now, () => waiting.execute());
    }
  }

  #over(waiting: Waiting, late: { cancel(): void }): void {
    late.cancel();
    this.#underWay.delete(waiting);
    noteActivity();
  }

  #loseAll(): void {
    this.#frozen.length = 0;
    for (const { lose } of this.#underWay) lose();
  }

  #arrived(message: MachineMessage): void {
    noteActivity();
    if (this.#isKilled || this.#state === 'away' || this.#state === 'mute' || this.#mail === 'lost') return;
    if (this.#state === 'frozen' || this.#mail === 'wait') {
      this.#letters.push(message);
      return;
    }
    this.#receive(message);
    if (this.#mail === 'twice') setImmediate(() => this.#again(message));
  }

  #again(message: MachineMessage): void {
    noteActivity();
    if (!this.#isKilled) this.#receive(message);
  }

  #deliverAll(): void {
    const letters = this.#letters.splice(0);
    if (this.#mail === 'lost' || this.#isKilled) return;
    for (const letter of letters) this.#receive(letter);
  }
}
