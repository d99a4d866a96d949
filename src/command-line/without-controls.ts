/** All but line breaks and tabs, and the marks that turn the direction of writing. */
const CONTROLS = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * The text without what a terminal obeys: an answer could clear the screen, write over lines, rename the window or fill the
 * clipboard. What is left of a sequence is shown.
 */
export function withoutControls(text: string): string {
  return text.replaceAll(CONTROLS, '');
}
