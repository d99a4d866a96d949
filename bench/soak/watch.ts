/** Looks at a machine each few seconds, and says each minute what it saw. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Machine } from '../game-day/machine.ts';
import { headRow, minuteRow, type SoakEvent } from './report.ts';
import { medianOf, type Sample, takeSample } from './samples.ts';

const SAMPLE_MS = 5000;
const MINUTE_MS = 60_000;
/** Of a quiet time, the part in which it is looked what is held. */
const SETTLED = 1 / 2;

export class Watch implements Disposable {
  readonly samples: Sample[] = [];
  readonly events: SoakEvent[] = [];
  readonly #machine: Machine;
  readonly #say: (line: string) => void;
  readonly #begun = performance.now();
  readonly #timer: NodeJS.Timeout;
  #minute = 0;

  constructor(machine: Machine, say: (line: string) => void) {
    this.#machine = machine;
    this.#say = say;
    say(headRow().join(' | '));
    // A look that finds nobody is none: whether it lived is asked at the end.
    this.#timer = setInterval(() => void this.#look().catch(() => undefined), SAMPLE_MS);
  }

  note(name: string): void {
    this.events.push({ minutes: this.#minutes, name });
  }

  /** Nobody comes for so long. @returns what is held once it has settled */
  async quiet(ms: number): Promise<Sample> {
    this.note('quiet');
    await delay((1 - SETTLED) * ms);
    const from = this.#minutes;
    await delay(SETTLED * ms);
    await this.#look();
    return medianOf(this.samples.filter(({ minutes }) => minutes >= from));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  get #minutes(): number {
    return (performance.now() - this.#begun) / MINUTE_MS;
  }

  async #look(): Promise<void> {
    if (!this.#machine.running) return;
    this.samples.push(await takeSample(this.#machine, this.#minutes));
    if (this.#minutes < this.#minute + 1) return;
    const of = this.samples.filter(({ minutes }) => Math.floor(minutes) === this.#minute);
    this.#say(minuteRow(this.#minute, of, this.events).join(' | '));
    this.#minute += 1;
  }
}
