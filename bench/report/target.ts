/** What a figure must keep to: a bound of its own, or one set by another subject in the same run. */
export type Target =
  | { readonly kind: 'at most' | 'at least'; readonly bound: number }
  /** At most `bound` times the peer's figure, or at most `bound` more. */
  | { readonly kind: 'times' | 'above'; readonly peer: string; readonly bound: number };

export function atMost(bound: number): Target {
  return { kind: 'at most', bound };
}

export function atLeast(bound: number): Target {
  return { kind: 'at least', bound };
}

export function times(bound: number, peer: string): Target {
  return { kind: 'times', peer, bound };
}

export function above(bound: number, peer: string): Target {
  return { kind: 'above', peer, bound };
}

export function describeTarget(target: Target): string {
  const bound = Number(target.bound.toPrecision(3)).toLocaleString('en');
  switch (target.kind) {
    case 'at most':
      return `≤ ${bound}`;
    case 'at least':
      return `≥ ${bound}`;
    case 'times':
      return `≤ ${bound} × ${target.peer}`;
    case 'above':
      return `≤ ${bound} above ${target.peer}`;
  }
}
