/** How long and with which chance this run of the tests goes. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';

/** `npm run test:long`: the same suites with full counts. */
export const LONG = process.env['DASH_TEST_LONG'] === '1';

/** What chance is drawn from. A failure names it; DASH_TEST_SEED plays it again. */
export const SEED = process.env['DASH_TEST_SEED'] ?? randomBytes(4).toString('hex');

/** Between questions, which may cost a connection to Postgres each: the longer it takes, the longer. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 50;
const WITHIN_MS = 15_000;

/** Waits for what no event tells: asked again and again until it is true. @throws Error naming `what` after 15 s */
export async function eventually(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  for (let pause = FIRST_PAUSE_MS; !(await probe()); pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    if (performance.now() > deadline) throw new Error(`not within ${WITHIN_MS} ms: ${what}`);
    await wait(pause);
  }
}

/** Figures for whoever reads the run; nothing is asserted of them. */
export function report(line: string): void {
  process.stdout.write(`    ${line}\n`);
}

/** `p50 1.2, p99 8.0, max 9.1` */
export function percentiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return `p50 ${at(0.5).toFixed(1)}, p99 ${at(0.99).toFixed(1)}, max ${at(1).toFixed(1)}`;
}
