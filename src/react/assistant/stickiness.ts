/** Whether a transcript keeps its end in sight: until a person scrolls up, and again from when they are back at the end. */

export interface ScrollReading {
  /** Distance from the top, px. */
  readonly offset: number;
  readonly contentHeight: number;
  readonly viewHeight: number;
}

/** So near counts as the end, px. */
const NEAR = 32;

/** Content that grows moves nothing up: only a person does. */
export function staysAtEnd(
  isAtEnd: boolean,
  before: ScrollReading | undefined,
  { offset, contentHeight, viewHeight }: ScrollReading,
): boolean {
  if (contentHeight - offset - viewHeight <= NEAR) return true;
  const shrank = before !== undefined && contentHeight < before.contentHeight;
  const grewView = before !== undefined && viewHeight !== before.viewHeight;
  if (shrank || grewView) return isAtEnd;
  return before !== undefined && offset < before.offset - 1 ? false : isAtEnd;
}
