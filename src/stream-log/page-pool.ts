/**
 * Fixed pages of memory outside the V8 heap, cut from slabs and used again. Owns no limit: the logs know theirs.
 * Slabs are kept once allocated, so resident memory follows the peak, which the logs' byte limits bound.
 */
const PAGES_PER_SLAB = 64;

/** Bytes of one page. An answer of 12 KB then wastes about a sixth; smaller pages cost more objects than they save. */
export const PAGE_BYTES = 4096;

export class PagePool {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    const page = this.#free.pop();
    if (page !== undefined) return page;
    const slab = Buffer.allocUnsafeSlow(PAGE_BYTES * PAGES_PER_SLAB);
    for (let at = PAGE_BYTES; at < slab.length; at += PAGE_BYTES) {
      this.#free.push(slab.subarray(at, at + PAGE_BYTES));
    }
    return slab.subarray(0, PAGE_BYTES);
  }

  give(page: Buffer): void {
    this.#free.push(page);
  }
}
