/**
 * Whether a client holds the endings that were sent to it, for runs whose user is told otherwise that nobody does. What was
 * written proves nothing: the kernel of a suspended phone takes it. So a WebSocket ping goes ahead of the ending and another
 * after it, which whoever runs answers in order.
 *
 *   ping n ── endings ── ping n'     pong n' ──────────────────► read
 *                                    pong n, then a close frame ──► read: it left after the ending, within its handler
 */
import type { RunView } from '../run/run-view.ts';

interface Round {
  readonly runs: RunView[];
  /** What was ahead of the endings has been answered. */
  isNear: boolean;
}

export class EndingProofs {
  readonly #ping: (text: string) => void;
  readonly #rounds = new Map<number, Round>();
  /** Whose endings leave in this turn. */
  #leaving: Round | undefined;
  #last = 0;

  /** @param ping sends one that is answered by the same text */
  constructor(ping: (text: string) => void) {
    this.#ping = ping;
  }

  /** To be called in the turn that writes the ending, before it is written. */
  sending(run: RunView): void {
    if (this.#leaving !== undefined) {
      this.#leaving.runs.push(run);
      return;
    }
    const round = { runs: [run], isNear: false };
    const number = ++this.#last;
    this.#leaving = round;
    this.#rounds.set(number, round);
    this.#ping(`${AHEAD}${number}`);
    setImmediate(() => {
      this.#leaving = undefined;
      this.#ping(`${AFTER}${number}`);
    });
  }

  /** The client's pong. What is no answer to a ping of these says nothing. */
  answered(text: string): void {
    const [, where, number] = PONG.exec(text) ?? [];
    const round = this.#rounds.get(Number(number));
    if (round === undefined) return;
    if (where === AHEAD) round.isNear = true;
    else this.#read(Number(number), round);
  }

  /** The client closed the connection, by a close frame of its own. */
  left(): void {
    for (const [number, round] of this.#rounds) if (round.isNear) this.#read(number, round);
  }

  #read(number: number, { runs }: Round): void {
    this.#rounds.delete(number);
    for (const run of runs) run.endingRead();
  }
}

const AHEAD = 'ahead ';
const AFTER = 'after ';
const PONG = /^(ahead |after )(\d{1,15})$/;
