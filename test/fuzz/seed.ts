/** The 32 bits that fast-check draws from, of the text by which a run of the tests can be played again. */
export function seedNumber(text: string): number {
  const number = Number.parseInt(text, 16);
  return Number.isNaN(number) ? 0 : number | 0;
}
