/** Pieces of a Messages stream, as the API writes them. */

export function sse(event: Readonly<Record<string, unknown>>): string {
  return `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}   \n\n`;
}

export const messageStart = (
  usage: Readonly<Record<string, unknown>> = { input_tokens: 10, output_tokens: 1 },
) => sse({ type: 'message_start', message: { id: 'msg_1', type: 'message', model: 'model-named', usage } });

export const textDelta = (text: string) =>
  sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });

export const messageEnd = (outputTokens = 42, stopReason = 'end_turn') =>
  sse({ type: 'message_delta', delta: { stop_reason: stopReason }, usage: { output_tokens: outputTokens } }) +
  sse({ type: 'message_stop' });

export const PING = 'event: ping\ndata: {"type": "ping"}\n\n';

export const wholeMessage = (...texts: readonly string[]) =>
  messageStart() +
  sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) +
  PING +
  texts.map(textDelta).join('') +
  sse({ type: 'content_block_stop', index: 0 }) +
  messageEnd();

export const streamedError = (type: string, message = 'a secret word of the user') =>
  sse({ type: 'error', error: { type, message }, request_id: 'req_streamed' });

export const SSE_HEADERS = { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_1' };
