import type { RunStep, RunTrace } from '../observability/port.ts';
import { RelayError } from '../protocol/relay-error.ts';

/** Does a step of a run; its trace is told when it began and how it ended. Rejects as the work does. */
export async function traced<Result>(
  trace: RunTrace,
  step: RunStep,
  work: () => Promise<Result>,
): Promise<Result> {
  const ended = trace.step(step);
  try {
    const result = await work();
    ended(null);
    return result;
  } catch (cause) {
    ended(RelayError.from(cause).code);
    throw cause;
  }
}
