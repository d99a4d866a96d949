/** Runs checks side by side, each within its time. Does not own what they ask, or how their lines are shown. */
import { messageOf } from '../command-line/subcommand.ts';
import { type Check, fix, type Line } from './line.ts';

/** What a check may take where it says nothing else, ms. */
const LIMIT_MS = 10_000;

export interface Finding extends Line {
  /** The name of the check. */
  readonly check: string;
}

/** The lines in the order of the checks, each as soon as it and those before it are known. */
export async function* findings(checks: readonly Check[]): AsyncGenerator<Finding> {
  const running = checks.map((check) => ({ check: check.name, lines: linesOf(check) }));
  for (const { check, lines } of running) for (const line of await lines) yield { check, ...line };
}

async function linesOf({ name, limitMs = LIMIT_MS, run }: Check): Promise<readonly Line[]> {
  const { promise: late, resolve } = Promise.withResolvers<readonly Line[]>();
  const controller = new AbortController();
  const timer = setTimeout(() => {
    resolve([
      fix(`${name}: no answer within ${limitMs / 1000} s: see to the network and to who answers there`),
    ]);
    controller.abort();
  }, limitMs);
  try {
    return await Promise.race([run(controller.signal), late]);
  } catch (error) {
    return [fix(`${name}: ${messageOf(error)}`)];
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}
