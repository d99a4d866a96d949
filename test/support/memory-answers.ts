/** Kept answers without a disk: the same promises, kept in an array. For tests of whoever reads them back. */
import type { KeptAnswer, KeptAnswers, KeptPosition, KeptText } from '../../src/answers/port.ts';
import { RelayError } from '../../src/protocol/relay-error.ts';
import type { WireText } from '../../src/protocol/wire-text.ts';
import { utf16Length } from '../../src/protocol/wire-text.ts';
import { noteActivity } from './quiet.ts';

export interface MemoryAnswers extends KeptAnswers {
  /** In the order in which they were put. */
  readonly kept: readonly KeptText[];
  /** Keeps it in place of what has its epoch. */
  put(answer: KeptText): void;
  /** From now on nobody can say (true) or can (false). */
  refuse(refusing: boolean): void;
}

export function createMemoryAnswers(): MemoryAnswers {
  let kept: KeptText[] = [];
  let refusing = false;
  const answer = async <Result>(work: () => Result): Promise<Result> => {
    noteActivity();
    if (refusing) throw new RelayError('unavailable', 'kept answers cannot be read now; try again');
    return work();
  };
  const newestFirst = (userId: string) =>
    kept.filter((one) => one.userId === userId).sort((a, b) => (isBefore(a, b) ? 1 : -1));
  return {
    get kept() {
      return kept;
    },
    put(one) {
      kept = [...kept.filter(({ epoch }) => epoch !== one.epoch), one];
    },
    refuse(refuse) {
      refusing = refuse;
    },
    find: (userId, streamId) => answer(() => newestFirst(userId).find((one) => one.streamId === streamId)),
    list: (userId, { before, limit }) =>
      answer(() =>
        newestFirst(userId)
          .filter((one) => before === undefined || isBefore(one, before))
          .slice(0, limit)
          .map(withoutText),
      ),
    forget: (userId, streamId) =>
      answer(() => {
        kept = kept.filter(
          (one) => one.userId !== userId || (streamId !== undefined && one.streamId !== streamId),
        );
      }),
  };
}

/** An answer of those deltas, with what else is said of it. */
export function keptText(
  deltas: readonly WireText[],
  { userId, streamId, ...rest }: Partial<KeptText> & Pick<KeptText, 'userId' | 'streamId'>,
): KeptText {
  return {
    epoch: `epoch-of-${streamId}`,
    streamId,
    userId,
    action: 'chat',
    model: 'claude-haiku-4-5',
    requestHash: '',
    startedAt: 0,
    endedAt: null,
    head: deltas.length,
    textLength: deltas.reduce((length, delta) => length + utf16Length(delta), 0),
    ending: undefined,
    isDead: false,
    deltas,
    ...rest,
  };
}

function isBefore(one: KeptPosition, other: KeptPosition): boolean {
  if (one.startedAt !== other.startedAt) return one.startedAt < other.startedAt;
  return one.epoch < other.epoch;
}

function withoutText({ deltas: _, ...answer }: KeptText): KeptAnswer {
  return answer;
}
