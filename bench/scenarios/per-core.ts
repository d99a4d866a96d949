/** How many answers a second a whole core would give, at what they cost the subject's process in CPU. */
import type { Stage } from '../stage.ts';

/** @param run returns how many answers there were */
export async function perCore(stage: Stage, run: () => Promise<number>): Promise<number> {
  const spent = stage.startCpu();
  const answers = await run();
  return (answers * 1e6) / spent();
}

/** The same of a second time: the first warms up. */
export async function perCoreWarm(stage: Stage, run: () => Promise<number>): Promise<number> {
  await run();
  return perCore(stage, run);
}
