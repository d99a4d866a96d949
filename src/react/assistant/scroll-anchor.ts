/** Whether a transcript keeps its end in sight: until a person scrolls up, and again from when they are back at the end. */

export interface ScrollReading {
  /** Distance from the top, px. */
  readonly offset: number;
  readonly contentHeight: number;
  readonly viewHeight: number;
}

/** Who comes down to here is back at the end, px. */
const NEAR = 32;
/** Positions are rounded, px. */
const ROUNDING = 1;

/**
 * Direction comes before distance: who moved up, however little, is left there, and only moving down leads back.
 * Content that grows moves nothing, and content that shrinks moves a person no further than to its end.
 */
export function staysAtEnd(
  isAtEnd: boolean,
  before: ScrollReading | undefined,
  { offset, contentHeight, viewHeight }: ScrollReading,
): boolean {
  if (before === undefined) return isAtEnd;
  const end = contentHeight - viewHeight;
  const rest = end - offset; // below 0 where the device lets content bounce
  const isResized = viewHeight !== before.viewHeight;
  if (isAtEnd) return isResized || offset >= Math.min(before.offset, end) - ROUNDING;
  if (offset > before.offset) return rest <= NEAR;
  const cameTowards = isResized || contentHeight < before.contentHeight;
  return cameTowards && rest <= ROUNDING;
}

/** What is to be read once the end was scrolled to: whatever lies above it, a person did. */
export function atEndOf(contentHeight: number, viewHeight: number): ScrollReading {
  return { offset: Math.max(0, contentHeight - viewHeight), contentHeight, viewHeight };
}
