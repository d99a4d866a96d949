/** What the clients of a soak saw: each stream with its end, and every frame that broke a rule. */
import type { HeldStream } from '../../test/support/held-stream.ts';
import { compareText } from './answers.ts';

export type Transport = 'websocket' | 'sse' | 'json';

export interface SeenStream {
  readonly id: string;
  readonly transport: Transport;
  /** Of JSON answers nobody is told. */
  readonly epoch: string | undefined;
  /**
   * How it ended for its client: an ending, a refusal, or `lost`: it was told that nothing can be read on. `unreached`: no
   * machine took its question. `none`: it began, and nothing more came.
   */
  readonly end: 'done' | 'cancelled' | 'error' | 'refused' | 'lost' | 'unreached' | 'none';
  /** Of an error, a refusal or a loss. */
  readonly code: string | undefined;
  readonly text: ReturnType<typeof compareText>;
}

/** What is known of a stream when its client leaves. */
export type Leaving = Omit<SeenStream, 'text'> & { readonly question: string; readonly received: string };

export class Books {
  readonly streams: SeenStream[] = [];
  /** Frames and answers that are not what PROTOCOL.md says. */
  readonly broken: string[] = [];
  /** Visits without a good token that were not told so. */
  readonly admitted: string[] = [];
  readonly #counts = new Map<string, number>();

  /** How often what happened: endings, refusals, resumes, connections. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  left({ question, received, ...seen }: Leaving): void {
    this.streams.push({ ...seen, text: compareText(question, received) });
    this.count(seen.code === undefined ? seen.end : `${seen.end} ${seen.code}`);
  }

  /** A rule was broken; the visit ends with it. */
  broke(cause: Error): void {
    this.broken.push(cause.message);
    this.count('broken');
  }
}

/** @param lost the code by which it was told that it cannot be read on */
export function leavingOf(held: HeldStream, transport: Transport, lost: string | undefined): Leaving {
  const { id, epoch, text: received, startFrame } = held;
  const question = String(startFrame.messages.at(-1)?.content);
  return { id, epoch, transport, question, received, ...endOf(held, lost) };
}

function endOf(
  { ending, refusal, epoch }: HeldStream,
  lost: string | undefined,
): Pick<SeenStream, 'end' | 'code'> {
  if (ending !== undefined)
    return { end: ending.type, code: ending.type === 'error' ? ending.code : undefined };
  if (refusal !== undefined) return { end: 'refused', code: refusal.code };
  if (lost !== undefined) return { end: 'lost', code: lost };
  return { end: epoch === undefined ? 'unreached' : 'none', code: undefined };
}
