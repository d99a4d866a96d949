/** How a run ended, as every reader gets it. It is kept for minutes, of thousands of runs: as the text that is sent, and nothing besides. */
import type { EndingFrame, ListedStream } from '../protocol/frames.ts';
import { decodeFrame, encodeFrame, type WireText } from '../protocol/wire-text.ts';

export class Ending {
  readonly wire: WireText;
  readonly type: EndingFrame['type'];
  readonly seq: EndingFrame['seq'];

  constructor(frame: EndingFrame) {
    this.wire = encodeFrame(frame);
    this.type = frame.type;
    this.seq = frame.seq;
  }

  /** Read from the text at each call. */
  get frame(): EndingFrame {
    return decodeFrame<EndingFrame>(this.wire);
  }
}

/** What a list says of it. */
export function endingOf(frame: EndingFrame): Pick<ListedStream, 'ending' | 'code'> {
  return frame.type === 'error' ? { ending: 'error', code: frame.code } : { ending: frame.type };
}
