/** Machines, devices, time, and what goes wrong between them: what a history is played on. */
import { ALICE, BOB } from '../support/core.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { type MemoryCopy, SharedMemory } from '../support/memory-shared-store.ts';
import { settled } from '../support/quiet.ts';
import { Device } from './device.ts';
import { HttpReader } from './http-reader.ts';
import { Machine, type Process } from './machine.ts';
import { Reference } from './reference.ts';
import type { LinkState, MailState } from './store-link.ts';

/** Of two users. */
const DEVICES = [ALICE, ALICE, BOB, BOB];
/** Time passes in steps that leave every promise its turn, ms; in larger ones where much of it passes. */
const STEP_MS = 50;
const LONG_STEP_MS = 250;
/** A link that is not up for so long may have let a lease lapse, ms. */
const SILENT_MS = 2000;

/** How many turns of the event loop what was done is given before the next: `rest`: until nothing happens any more. */
export type Turns = 0 | 1 | 2 | 'rest';

export class World {
  readonly clock = new ManualClock();
  readonly memory: SharedMemory | undefined;
  readonly machines: readonly Machine[];
  readonly devices: readonly Device[];
  /** Callers by HTTP that read. */
  readers: readonly HttpReader[] = [];
  readonly reference: Reference;
  /** Nothing is under way. */
  isAtRest = false;
  /** What a replica of the store holds. */
  #copy: { readonly data: MemoryCopy; readonly at: number } | undefined;
  /** Whose links are at fault. */
  readonly #faulty = new Set<Process>();
  /** By process: since when its link is not up, elapsed ms. */
  readonly #downSince = new Map<Process, number>();

  /** @param machines more than one share their runs */
  constructor(machines: number) {
    this.memory = machines > 1 ? new SharedMemory(this.clock) : undefined;
    this.reference = new Reference(this.clock, this.memory !== undefined);
    const names = ['a', 'b', 'c'].slice(0, machines);
    this.machines = names.map((name) => new Machine(name, this));
    this.devices = DEVICES.map((userId, index) => new Device(`device ${index}`, userId, this.reference));
  }

  async begin(): Promise<void> {
    for (const machine of this.machines) machine.boot();
    await this.after('rest');
    for (const [index, device] of this.devices.entries()) {
      const { process } = this.machine(index);
      if (process !== undefined) device.connect(process);
    }
    await this.after('rest');
  }

  machine(index: number): Machine {
    return this.machines[index % this.machines.length] as Machine;
  }

  device(index: number): Device {
    return this.devices[index % this.devices.length] as Device;
  }

  get processes(): readonly Process[] {
    return this.machines.flatMap(({ process }) => process ?? []);
  }

  /** Lets what was done have its turns, then looks at what has come of it. */
  async after(turns: Turns): Promise<void> {
    if (turns === 'rest') await settled();
    else for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    this.isAtRest = turns === 'rest';
    this.check();
  }

  async pass(ms: number, step = ms > 1000 ? LONG_STEP_MS : STEP_MS): Promise<void> {
    await this.after(1); // no timer comes before a promise that is settled
    for (let left = ms; left > 0; left -= step) {
      this.clock.advance(Math.min(step, left));
      await this.after('rest');
    }
  }

  /** Invariants that hold at every instant. */
  check(): void {
    this.#noteFaults();
    this.reference.observe(this.machines);
    for (const device of this.devices) device.read();
    for (const reader of this.readers) this.reference.checkReader(reader);
    this.readers = this.readers.filter(({ isOver, process }) => !isOver && !process.isGone);
    for (const process of this.processes) this.#checkProcess(process);
  }

  /** A caller by HTTP: it has still to ask. */
  reader(userId: string, id: string, process: Process): HttpReader {
    const reader = new HttpReader(userId, id, process);
    this.readers = [...this.readers, reader];
    return reader;
  }

  kill(machine: Machine, lastArrives: boolean): void {
    this.check();
    const { process } = machine;
    process?.kill();
    this.reference.killedAt = this.clock.elapsed();
    this.reference.hasLostMachines = true;
    for (const device of this.devices)
      if (device.process !== undefined && device.process === process) device.loseMachine(lastArrives);
  }

  drain({ process }: Machine, deadlineMs: number): void {
    process?.drain(deadlineMs);
    this.reference.hasLostMachines = true;
  }

  /** What the store does to all machines, or to one. */
  links(state: LinkState, only?: Machine): void {
    for (const { link } of this.#processesOf(only)) link?.become(state);
    this.#noteFaults();
  }

  latency(ms: number, only?: Machine): void {
    for (const { link } of this.#processesOf(only)) if (link !== undefined) link.latencyMs = ms;
    this.#noteFaults();
  }

  mail(state: MailState, only?: Machine): void {
    for (const { link } of this.#processesOf(only)) link?.becomeMail(state);
    this.#noteFaults();
  }

  /** The replica has caught up. */
  replicate(): void {
    if (this.memory !== undefined) this.#copy = { data: this.memory.copy(), at: this.clock.elapsed() };
  }

  /** A replica that is further back than a second is not promoted. */
  get canFailOver(): boolean {
    return this.#copy !== undefined && this.clock.elapsed() - this.#copy.at <= 1000;
  }

  /** The replica takes the place of the store, and everybody connects to it. */
  failOver(): void {
    if (this.#copy === undefined || !this.canFailOver) return;
    this.memory?.become(this.#copy.data);
    this.#copy = undefined;
    for (const { link } of this.processes) link?.reconnect();
    this.reference.soundSince = this.clock.elapsed();
    this.reference.disturb();
    this.reference.failedOver();
  }

  #processesOf(only: Machine | undefined): readonly Process[] {
    return only === undefined ? this.processes : this.processes.filter((process) => process === only.process);
  }

  #noteFaults(): void {
    const now = this.clock.elapsed();
    for (const process of this.processes) {
      const { link } = process;
      if (link === undefined || link.state === 'up') this.#downSince.delete(process);
      else this.#downSince.set(process, this.#downSince.get(process) ?? now);
      if (link?.isSound === false) {
        this.reference.soundSince = now;
        this.reference.disturb();
        this.reference.cutOff(process, !this.#faulty.has(process));
        this.#faulty.add(process);
      } else {
        this.#faulty.delete(process);
      }
      if (now - (this.#downSince.get(process) ?? now) >= SILENT_MS) this.reference.silence(process);
    }
    const states = this.processes.map(({ link }) => link?.mail ?? 'arrive');
    const arrives = states.every((state) => state === 'arrive' || state === 'twice');
    this.reference.mailSince = arrives ? (this.reference.mailSince ?? now) : undefined;
  }

  #checkProcess({ core, name, complaints }: Process): void {
    if (complaints.length > 0) throw new Error(`${name} complains: ${JSON.stringify(complaints)}`);
    const { live } = core.relay.registry.states;
    if (this.isAtRest && core.upstream.openRequests !== live)
      throw new Error(`${name} has ${core.upstream.openRequests} open requests for ${live} live runs`);
  }
}
