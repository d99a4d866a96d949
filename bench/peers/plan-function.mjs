/**
 * The function of the streaming plan, as it is written there, but for its runtime's own lines: `plan-deno.mjs` and
 * `plan-node.mjs` upgrade and call it for each message. No token, no usage row, no limit, no cancel: it has none.
 */
import Anthropic from '@anthropic-ai/sdk';

/** @param {{baseURL: string, fetchOptions?: object}} upstream */
export function createPlanFunction(upstream) {
  const anthropic = new Anthropic({ apiKey: 'bench', logLevel: 'off', ...upstream });
  return async (socket, data) => {
    const { messages } = JSON.parse(data);
    const stream = await anthropic.messages.stream({
      model: 'claude-3-5-sonnet-20241022',
      messages,
      max_tokens: 4096,
      stream: true,
    });
    for await (const chunk of stream) {
      if (chunk.type === 'content_block_delta') {
        socket.send(JSON.stringify({ type: 'chunk', content: chunk.delta.text }));
      }
    }
    socket.send(JSON.stringify({ type: 'done' }));
  };
}
