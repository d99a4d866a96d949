/** Parts of something long in shares that are drawn at once. A share stays the same object while its parts do. */

export interface Share<T> {
  readonly parts: readonly T[];
  /** The number of its first part. */
  readonly first: number;
  /** About how many native elements it becomes. */
  readonly weight: number;
  /** About how high it is, px. */
  readonly height: number;
  /** What follows belongs to the next one. */
  readonly isFull: boolean;
}

export interface Measure<T> {
  /** About how many native elements it becomes, without those that take turns of their own. */
  weightOf(part: T): number;
  /** About how high it is, px. */
  heightOf(part: T): number;
  /** Whether a share that has the weight may end with it. Default: with any. */
  mayEnd?(part: T, weight: number): boolean;
}

/** Of a share: as much as a slow device draws in a frame. */
export const SHARE = 60;

export class Partition<T> {
  readonly #measure: Measure<T>;
  #shares: readonly Share<T>[] = [];

  constructor(measure: Measure<T>) {
    this.#measure = measure;
  }

  of(parts: readonly T[]): readonly Share<T>[] {
    const changed = this.#shares.findIndex((share) => !share.isFull || !holds(share, parts));
    const kept = changed < 0 ? this.#shares : this.#shares.slice(0, changed);
    const shares = [...kept];
    for (let first = endOf(kept.at(-1)); first < parts.length; first = endOf(shares.at(-1)))
      shares.push(this.#cut(parts, first));
    this.#shares = shares.map((share, at) => sameAs(this.#shares[at], share));
    return this.#shares;
  }

  #cut(parts: readonly T[], first: number): Share<T> {
    const { weightOf, heightOf, mayEnd = () => true } = this.#measure;
    let weight = 0;
    let height = 0;
    let end = first;
    let isFull = false;
    for (const part of parts.slice(first)) {
      weight += Math.min(SHARE, weightOf(part));
      height += heightOf(part);
      end += 1;
      isFull = weight >= SHARE && mayEnd(part, weight);
      if (isFull) break;
    }
    return { parts: parts.slice(first, end), first, weight, height, isFull };
  }
}

function endOf(share: Share<unknown> | undefined): number {
  return share === undefined ? 0 : share.first + share.parts.length;
}

function sameAs<T>(known: Share<T> | undefined, share: Share<T>): Share<T> {
  return known?.parts.length === share.parts.length && holds(known, share.parts, share.first) ? known : share;
}

/** `offset`: of the first of `parts`. */
function holds<T>({ parts: own, first }: Share<T>, parts: readonly T[], offset = 0): boolean {
  return own.every((part, at) => part === parts[first - offset + at]);
}
