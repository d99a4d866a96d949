/**
 * Text on its way to a client, held as one char per UTF-8 byte (a "latin1 string").
 * Its `length` is its size on the wire in bytes, and a socket takes it without another encoding pass.
 */
export type WireText = string & { readonly wireText: true };

// biome-ignore lint/suspicious/noControlCharactersInRegex: the question is exactly whether it is ASCII
const ONLY_ASCII = /^[\x00-\x7f]*$/;

/** Encodes ordinary text (UTF-16) as WireText. Lone surrogates become U+FFFD, as in any UTF-8 encoder. */
export function toWire(text: string): WireText {
  return (ONLY_ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')) as WireText;
}

/** Decodes WireText back into ordinary text (UTF-16). */
export function fromWire(wire: WireText): string {
  return ONLY_ASCII.test(wire) ? wire : Buffer.from(wire, 'latin1').toString('utf8');
}
