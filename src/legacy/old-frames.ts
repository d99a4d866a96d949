/** The relay's frames as `ai-proxy-ws` said them: `start`, `delta`, then `done`, `cancelled` or `error`. */
import type { ErrorFrame } from '../protocol/frames.ts';
import { chunkJson, decodeFrame, toWire, type WireText } from '../protocol/wire-text.ts';

export interface OldFrameText {
  readonly wire: WireText;
  /** Whether the function hung up after it. */
  readonly isLast: boolean;
}

/** Undefined for what clients of that function know nothing of. */
export function proxyFrame(wire: WireText): OldFrameText | undefined {
  const [, type] = /^\{"type":"(\w+)"/.exec(wire) ?? [];
  switch (type) {
    case 'accepted':
    case 'resumed':
      return { wire: '{"type":"start"}' as WireText, isLast: false };
    case 'chunk':
      return { wire: `{"type":"delta","text":"${chunkJson(wire)}"}` as WireText, isLast: false };
    case 'done':
    case 'cancelled':
      return { wire: `{"type":"${type}"}` as WireText, isLast: true };
    case 'error':
      return { wire: errorText(decodeFrame<ErrorFrame>(wire)), isLast: true };
    default:
      return undefined;
  }
}

function errorText({ code, message, retryable, retryAfterMs }: ErrorFrame): WireText {
  const wait = retryAfterMs === undefined ? {} : { retry_after_seconds: Math.ceil(retryAfterMs / 1000) };
  return toWire(JSON.stringify({ type: 'error', message, error: code, retryable, ...wait }));
}
