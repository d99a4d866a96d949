/**
 * The host of an address as a browser reads it, which may be another than is written: `school.org%E3%80%82evil.example` is
 * below `evil.example`, and `0x7f.1` is 127.0.0.1. React Native's own URL reads none of this.
 */

/** What no host may hold, once it is decoded. */
const FORBIDDEN = /[\s#%/:<>?@[\\\]^|]/;
const NUMBER = /^(0x[\da-f]*|\d+)$/;
const OCTAL = /^0[0-7]*$/;

/** Undefined where a browser would not open it. */
export function readHost(written: string): string | undefined {
  if (written.startsWith('[')) return written.toLowerCase();
  try {
    // Letters of full width and the like stand for plain ones, and each of these for a dot.
    const host = decodeURIComponent(written).normalize('NFKC').replaceAll('\u3002', '.').toLowerCase();
    if (FORBIDDEN.test(host)) return undefined;
    const parts = host.replace(/\.$/, '').split('.');
    return NUMBER.test(parts.at(-1) ?? '') ? addressOf(parts) : host;
  } catch {
    return undefined;
  }
}

/** One to four numbers, decimal, octal or hexadecimal; the last fills the bytes that are left. */
function addressOf(parts: readonly string[]): string | undefined {
  const numbers = parts.map(numberOf);
  const last = numbers.pop() ?? Number.NaN;
  const fits =
    numbers.length < 4 && numbers.every((byte) => byte < 256) && last < 256 ** (4 - numbers.length);
  if (!fits) return undefined;
  const rest = Array.from(
    { length: 4 - numbers.length },
    (_, place) => Math.floor(last / 256 ** place) % 256,
  );
  return [...numbers, ...rest.toReversed()].join('.');
}

function numberOf(part: string): number {
  if (!NUMBER.test(part)) return Number.NaN;
  if (part.startsWith('0x')) return part === '0x' ? 0 : Number.parseInt(part.slice(2), 16);
  if (!part.startsWith('0')) return Number(part);
  return OCTAL.test(part) ? Number.parseInt(part, 8) : Number.NaN;
}
