/** What a KiB of each shape costs a parser: medians, since other work of the machine only ever adds. */
import { median } from '../report/statistics.ts';
import type { Parser } from './parsers.ts';

export interface ShapeCost {
  readonly shape: string;
  readonly honest: boolean;
  /** Of one input. */
  readonly kib: number;
  /** µs of CPU for each KiB of input. */
  readonly cost: number;
}

export interface Effort {
  readonly rounds: number;
  /** A round is at least so long, ms: cheap shapes are read many times in it. */
  readonly roundMs: number;
}

/** Shapes take turns, so that a slow moment hits all of them. */
export function costsOf(parser: Parser, { rounds, roundMs }: Effort): ShapeCost[] {
  const inputs = Object.entries(parser.shapes).map(([shape, make], at) => {
    const text = make(parser.bytes);
    return {
      shape,
      text,
      kib: Buffer.byteLength(text) / 1024,
      honest: at < parser.honest,
      seen: [] as number[],
    };
  });
  for (let round = 0; round <= rounds; round += 1) {
    for (const { text, kib, seen } of inputs) seen.push(microsecondsOf(parser, text, roundMs) / kib);
  }
  // The first round warms up.
  return inputs.map(({ shape, honest, kib, seen }) => ({ shape, honest, kib, cost: median(seen.slice(1)) }));
}

/** CPU of this thread: what others do on the machine does not count, nor does garbage that helpers collect. */
function microsecondsOf(parser: Parser, text: string, atLeastMs: number): number {
  const begun = process.threadCpuUsage();
  let readings = 0;
  let took = 0;
  do {
    parser.read(text);
    readings += 1;
    const { user, system } = process.threadCpuUsage(begun);
    took = user + system;
  } while (took < atLeastMs * 1000);
  return took / readings;
}

export interface Verdict {
  readonly parser: string;
  /** The dearest honest shape, and the dearest of all. */
  readonly honest: ShapeCost;
  readonly worst: ShapeCost;
  /** How many times as much as a client's honest conversation the worst costs, KiB for KiB. */
  readonly ratio: number;
}

/**
 * The worst case of each parser.
 * @throws Error for a parser without an honest shape
 */
export function judge(
  parsers: readonly Parser[],
  effort: Effort,
): readonly (Verdict & { costs: ShapeCost[] })[] {
  const measured = parsers.map((parser) => ({ parser: parser.name, costs: costsOf(parser, effort) }));
  const unit = measured[0]?.costs[0]?.cost ?? Number.NaN;
  return measured.map(({ parser, costs }) => {
    const honest = dearest(costs.filter((each) => each.honest));
    const worst = dearest(costs);
    if (honest === undefined || worst === undefined) throw new Error(`${parser} has no honest shape`);
    return { parser, costs, honest, worst, ratio: worst.cost / unit };
  });
}

function dearest(costs: readonly ShapeCost[]): ShapeCost | undefined {
  return costs.toSorted((left, right) => right.cost - left.cost)[0];
}
