/** How many answers a second a whole core would give, at what they cost the subject's process in CPU. */
import type { Stage } from '../stage.ts';

/** @param run returns how many answers there were */
export async function perCore(stage: Stage, run: () => Promise<number>): Promise<number> {
  const before = stage.cpuMicros();
  const answers = await run();
  return (answers * 1e6) / (stage.cpuMicros() - before);
}
