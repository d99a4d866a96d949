import type { AttemptTrace, RunTrace, Tracer } from './port.ts';

/** Two tracers as one: each run has the traces of those who want to know of it. */
export function bothTracers(first: Tracer, second: Tracer): Tracer {
  return {
    begin(run) {
      const one = first.begin(run);
      const other = second.begin(run);
      return one !== undefined && other !== undefined ? bothTraces(one, other) : (one ?? other);
    },
  };
}

function bothTraces(one: RunTrace, other: RunTrace): RunTrace {
  return {
    step(step) {
      const overs = [one.step(step), other.step(step)];
      return (code) => {
        for (const over of overs) over(code);
      };
    },
    attempt: (model, attempt) => bothAttempts(one.attempt(model, attempt), other.attempt(model, attempt)),
    ended(event) {
      one.ended(event);
      other.ended(event);
    },
    refused(code) {
      one.refused(code);
      other.refused(code);
    },
  };
}

function bothAttempts(one: AttemptTrace, other: AttemptTrace): AttemptTrace {
  return {
    headers: { ...one.headers, ...other.headers },
    answered(status, upstreamRequestId) {
      one.answered(status, upstreamRequestId);
      other.answered(status, upstreamRequestId);
    },
    ended(outcome, code) {
      one.ended(outcome, code);
      other.ended(outcome, code);
    },
  };
}
