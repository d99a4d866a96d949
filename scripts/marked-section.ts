/** A part of a document that is written from the code, between two markers: what stands around it is its authors'. */

export interface Markers {
  /** The document, for people. */
  readonly of: string;
  readonly begin: string;
  readonly end: string;
}

/**
 * The document with this in the place of what stood between its markers.
 * @throws Error where they are missing
 */
export function withSection(document: string, { of, begin, end }: Markers, section: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${of} has lost its markers ${begin.trim()} and ${end}`);
  return document.slice(0, from + begin.length) + section + document.slice(to);
}
