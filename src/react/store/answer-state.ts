/** An answer as a screen shows it, at one moment. */

import type { Failure } from '../../client/dash-error.ts';
import type {
  Answer,
  DashError,
  DashStream,
  Phase,
  Position,
  QuotaState,
  Refusal,
  Usage,
} from '../../client/index.ts';

export interface AnswerState {
  readonly status: Phase;
  readonly content: string;
  /** The model thinks now, before its first word or between two. */
  readonly isThinking: boolean;
  /** A summary of what it thinks now, where the action shows it. */
  readonly thought: string;
  /** Words for the tool that is called now, '' where it has none; undefined: none is called. */
  readonly tool: string | undefined;
  /** The name of the run, once the relay has accepted it: what a report of the answer says. */
  readonly epoch: string | undefined;
  /** The limit that is nearest to its end, from 80 percent of it on. */
  readonly warning: QuotaState | undefined;
  /** Once the answer has ended; of a failed one only where it is known. */
  readonly usage: Usage | undefined;
  /** As the model gave it: `end_turn`, `max_tokens` … */
  readonly stopReason: string | undefined;
  /** Of what kind, where the model declined. What it had said until then is discarded: `content` is empty. */
  readonly refusal: Refusal | undefined;
  /** Why it failed. `message` is not meant for people: `describeFailure` has words for each code. */
  readonly error: Failure | undefined;
}

export const NO_ANSWER: AnswerState = {
  status: 'idle',
  content: '',
  isThinking: false,
  thought: '',
  tool: undefined,
  epoch: undefined,
  warning: undefined,
  usage: undefined,
  stopReason: undefined,
  refusal: undefined,
  error: undefined,
};

const ENDINGS: readonly Phase[] = ['done', 'cancelled', 'failed', 'detached'];

export function isUnderWay(status: Phase): boolean {
  return status !== 'idle' && !ENDINGS.includes(status);
}

/** A stream that is being answered. */
export interface LiveAnswer {
  readonly stream: DashStream;
  read(): AnswerState;
  /** Nothing is called back any more. */
  ignore(): void;
  /** Likewise, and lets go without stopping the model. */
  detach(): Position;
}

/**
 * `onText` for each change, `onPhase` where the phase changed, `onEnd` once, with the last state.
 */
export function followAnswer(
  stream: DashStream,
  on: { onText(): void; onPhase(): void; onEnd(last: AnswerState): void },
): LiveAnswer {
  let status = stream.phase;
  let following = true;
  const read = (): AnswerState => {
    const { phase: status, content, thinking: isThinking, thought, tools, warning } = stream;
    const { epoch } = stream.position;
    const running = Object.values(tools).findLast(({ state }) => state === 'running');
    const tool = running && (running.label ?? '');
    const now = { status, content, isThinking, thought: isThinking ? thought : '', tool, epoch, warning };
    return { ...NO_ANSWER, ...now };
  };
  const unsubscribe = stream.subscribe(() => {
    const before = status;
    status = stream.phase;
    if (!isUnderWay(status)) return; // the ending follows with what it brought
    if (status === before) on.onText();
    else on.onPhase();
  });
  const end = (last: Partial<AnswerState>): void => {
    unsubscribe();
    if (following) on.onEnd({ ...read(), tool: undefined, ...last });
    following = false;
  };
  stream.final.then(
    ({ usage, stopReason, refusal }: Answer) => {
      const last = { usage, stopReason: stopReason ?? undefined };
      end(refusal ? { ...last, refusal, content: '' } : last);
    },
    (error: DashError) => end({ usage: error.usage, error: failureOf(error) }),
  );
  const ignore = (): void => {
    following = false;
    unsubscribe();
  };
  return {
    stream,
    read,
    ignore,
    detach() {
      ignore();
      return stream.detach();
    },
  };
}

/** Plain data, as snapshots are: without the stack, and without the text a second time. */
function failureOf(error: DashError): Failure {
  const { code, message, retryable, retryAfterMs, requestId, used, limit, resetsAt, reason } = error;
  return { code, message, retryable, retryAfterMs, requestId, used, limit, resetsAt, reason };
}
