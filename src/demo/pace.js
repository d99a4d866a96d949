/** How fast deltas arrive: counts per quarter second, from which the speed and the small chart are drawn. */

const BUCKET_MS = 250;
const BUCKETS = 60;
/** The speed is that of the last two seconds. */
const SPEED_BUCKETS = 8;

export class Pace {
  #buckets = [];
  #newest = 0;

  /** `count` deltas arrived at `now`, ms of performance.now(). */
  add(count, now) {
    this.#advance(now);
    this.#buckets[this.#buckets.length - 1] += count;
  }

  /** Deltas a second, over the last two seconds before `now`. */
  perSecond(now) {
    const counts = this.counts(now).slice(-SPEED_BUCKETS);
    if (counts.length === 0) return 0;
    return (counts.reduce((sum, count) => sum + count, 0) * 1000) / (counts.length * BUCKET_MS);
  }

  /** Counts per quarter second up to `now`, oldest first, fifteen seconds at most. */
  counts(now) {
    if (this.#buckets.length > 0) this.#advance(now);
    return [...this.#buckets];
  }

  #advance(now) {
    const bucket = Math.floor(now / BUCKET_MS);
    if (this.#buckets.length === 0) this.#newest = bucket - 1;
    const missing = Math.min(bucket - this.#newest, BUCKETS);
    for (let i = 0; i < missing; i += 1) this.#buckets.push(0);
    this.#newest = Math.max(this.#newest, bucket);
    this.#buckets.splice(0, this.#buckets.length - BUCKETS);
  }
}
