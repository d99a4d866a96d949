/** The relay's frames about one stream as UI message chunks, each the JSON that is sent. */
import { encodeTextDelta, encodeUiChunk } from '../../ai-sdk/chat-frames.ts';
import { ChunkBuilder } from '../../ai-sdk/chunk-builder.ts';
import type { UiMessageChunk } from '../../ai-sdk/chunks.ts';
import type {
  AcceptedFrame,
  EndingFrame,
  ResumedFrame,
  ThinkingFrame,
  ToolFrame,
} from '../../protocol/frames.ts';
import type { RelayError } from '../../protocol/relay-error.ts';
import { chunkJson, type WireText } from '../../protocol/wire-text.ts';

export class AnswerChunks {
  readonly #builder: ChunkBuilder;

  constructor(streamId: string) {
    this.#builder = new ChunkBuilder(streamId);
  }

  /** The number of the text part that is written at the moment. */
  get openText(): number | undefined {
    return this.#builder.openText;
  }

  opened(frame: AcceptedFrame | ResumedFrame): WireText[] {
    return frame.type === 'accepted'
      ? encoded(this.#builder.opened(frame))
      : encoded(this.#builder.opened({ model: frame.model, epoch: frame.epoch }));
  }

  /** In the place of `opened`, for who holds the answer up to that text part. */
  continued(openText: number): void {
    this.#builder.continued(openText);
  }

  /** Of a chunk frame: its JSON goes on as it came. */
  text(wire: WireText): WireText[] {
    const { id, chunks } = this.#builder.textPart();
    const delta = encodeTextDelta(id, chunkJson(wire));
    return chunks.length === 0 ? [delta] : [...encoded(chunks), delta];
  }

  meanwhile(frame: ThinkingFrame | ToolFrame): WireText[] {
    return encoded(
      frame.type === 'thinking' ? this.#builder.thinking(frame.content) : this.#builder.tool(frame),
    );
  }

  ended(frame: EndingFrame): WireText[] {
    return encoded(this.#builder.ended(frame));
  }

  /** It cannot be read on. */
  failed({ told }: RelayError): WireText[] {
    return encoded(this.#builder.failed(told));
  }
}

function encoded(chunks: readonly UiMessageChunk[]): WireText[] {
  return chunks.map(encodeUiChunk);
}
