/**
 * A delta's time stamp inside its own text: `@` and ten digits, microseconds of the machine's monotonic clock,
 * which all processes share. It survives every relay that passes text on, merged or not, so the load generator
 * counts deltas and knows their age without knowing the relay. The first delta of an answer adds `~` and the
 * request's arrival at the upstream. Owns no statistics.
 */

/** Ten digits wrap after 2.7 hours; ages are taken modulo that. */
const MODULUS = 10_000_000_000;
const DIGITS = 10;
const ZERO = 0x30;
export const DELTA_MARK = 0x40; // @
export const ARRIVAL_MARK = 0x7e; // ~
/** Bytes of one stamp with its mark. */
export const STAMP_BYTES = DIGITS + 1;

/** Now, in microseconds modulo the stamp's range. Not `hrtime.bigint`: one BigInt per delta is dear; the clock is the same. */
export function nowMicros(): number {
  const [seconds, nanos] = process.hrtime();
  return (seconds % 10_000) * 1_000_000 + Math.floor(nanos / 1000);
}

/** Microseconds from `earlier` to `later`; 0 where the clock of another core seems a little ahead. */
export function microsBetween(earlier: number, later: number): number {
  const span = (later - earlier + MODULUS) % MODULUS;
  return span > MODULUS / 2 ? 0 : span;
}

/** Writes mark and digits at `offset`. */
export function writeStamp(bytes: Buffer, offset: number, mark: number, micros: number): void {
  bytes[offset] = mark;
  let rest = micros;
  for (let index = offset + DIGITS; index > offset; index -= 1) {
    const digit = rest % 10;
    bytes[index] = ZERO + digit;
    rest = (rest - digit) / 10;
  }
}

/** The stamp whose mark stands at `offset`, or -1 if ten digits do not follow. */
export function readStamp(bytes: Buffer, offset: number, end: number): number {
  if (offset + STAMP_BYTES > end) return -1;
  let micros = 0;
  for (let index = offset + 1; index <= offset + DIGITS; index += 1) {
    const digit = (bytes[index] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    micros = micros * 10 + digit;
  }
  return micros;
}
