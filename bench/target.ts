/** Targets of QUALITY's speed table, beside the figures they are for. */
import type { Target } from './scenario.ts';

export function atMost(bound: number): Target {
  return { kind: 'at most', bound };
}

/** At most so many times the figure of nginx in the same run. */
export function timesNginx(bound: number): Target {
  return { kind: 'times nginx', bound };
}

/** At most so much more than without anything in between. */
export function aboveDirect(bound: number): Target {
  return { kind: 'above direct', bound };
}

export function describeTarget({ kind, bound }: Target): string {
  switch (kind) {
    case 'at most':
      return `≤ ${bound}`;
    case 'at least':
      return `≥ ${bound}`;
    case 'times nginx':
      return `≤ ${bound} × nginx`;
    case 'above direct':
      return `≤ ${bound} above direct`;
  }
}
