/**
 * The metrics of all workers as those of one process. What a process counted stays in the sums when it has ended: a counter
 * that falls would be read as one that began anew.
 */
import {
  countedIn,
  type MetricSnapshot,
  mergedSnapshot,
  mergedText,
  snapshotOfEach,
} from '../observability/metric-snapshot.ts';

export class MetricsOfWorkers {
  readonly #latest = new Map<number, MetricSnapshot>();
  /** What all processes that have ended had counted. */
  #ended: MetricSnapshot = [];

  /** @param snapshot undefined: it does not answer, and has what it last said it had counted */
  took(worker: number, snapshot: MetricSnapshot | undefined): void {
    const latest = snapshot ?? countedIn(this.#latest.get(worker) ?? []);
    this.#latest.set(worker, latest);
  }

  /** Its process has ended. */
  ended(worker: number): void {
    const counted = countedIn(this.#latest.get(worker) ?? []);
    this.#latest.delete(worker);
    this.#ended = mergedSnapshot([this.#ended, counted]);
  }

  /** In the format of Prometheus. @param own those of the parent */
  text(own: MetricSnapshot): Promise<string> {
    return mergedText([...this.#latest.values(), snapshotOfEach(this.#latest), this.#ended, own]);
  }
}
