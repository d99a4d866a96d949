/**
 * Money as whole pico-dollars (10^-12 US dollars): each price per million tokens with up to six decimals is a whole
 * number of them per token, so that no cost is ever rounded.
 */

const PICO_PER_USD = 1e12;
const PICO_PER_MICRO = 1_000_000n;

/** US dollars per million tokens, as decimal text, to pico-dollars per token: "2.50" is 2,500,000. */
export function picoPerToken(usdPerMillion: string): bigint {
  const [whole = '', fraction = ''] = usdPerMillion.split('.');
  return BigInt(whole + fraction.padEnd(6, '0'));
}

/** US dollars: the closest number, which prints as the exact decimal below 1,000 dollars. Null stays null. */
export function usdOf(pico: bigint | null): number | null {
  return pico === null ? null : Number(pico) / PICO_PER_USD;
}

/** US dollars with six decimals, rounded half up, for people. */
export function formatUsd(pico: bigint): string {
  const micro = (pico + PICO_PER_MICRO / 2n) / PICO_PER_MICRO;
  const digits = micro.toString().padStart(7, '0');
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
