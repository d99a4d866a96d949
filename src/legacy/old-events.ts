/**
 * A run as server-sent events in the old framing: `data:` lines alone, each with one JSON object, and `[DONE]` at the
 * end. What readers of that time know: `delta` and `final` where work is graded, `content_block_delta` everywhere else.
 */
import type { CancelledFrame, DoneFrame } from '../protocol/frames.ts';
import type { RelayError } from '../protocol/relay-error.ts';
import { chunkJson, toWire, type WireText } from '../protocol/wire-text.ts';
import { isDiscarded, oldError } from './old-answer.ts';
import type { OldEvents, OldFunction } from './old-body.ts';

/** The texts of one answer's events. */
export class OldEventText {
  readonly #of: OldFunction;
  readonly #isGrading: boolean;
  /** What was said so far, as the inside of a JSON string. */
  #said = '';

  constructor(of: OldFunction, events: OldEvents) {
    this.#of = of;
    this.#isGrading = events === 'grading';
  }

  /** Of a chunk frame. */
  chunk(wire: WireText): WireText {
    const json = chunkJson(wire);
    if (!this.#isGrading)
      return `data: {"type":"content_block_delta","delta":{"text":"${json}"}}\n\n` as WireText;
    this.#said += json;
    return `data: {"type":"delta","text":"${json}"}\n\n` as WireText;
  }

  /** Of an answer that is whole, or was stopped by its reader. What came ahead of a refusal is no feedback. */
  end(ending: DoneFrame | CancelledFrame): WireText {
    const feedback = isDiscarded(ending) ? '' : this.#said;
    const final = this.#isGrading ? `data: {"type":"final","feedback":"${feedback}"}\n\n` : '';
    return `${final}data: [DONE]\n\n` as WireText;
  }

  /** Without `[DONE]`: readers that know no error would take what they have for the whole answer. */
  error(error: RelayError, tier: string | null): WireText {
    return toWire(`data: ${JSON.stringify({ type: 'error', ...oldError(this.#of, error, tier) })}\n\n`);
  }
}
