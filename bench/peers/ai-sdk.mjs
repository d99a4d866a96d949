/** A server of the AI SDK's documentation, streamText over node:http: `node ai-sdk.mjs <port> <upstream URL>`. */
import { createServer } from 'node:http';
import { createAnthropic } from '@ai-sdk/anthropic';
import { streamText } from 'ai';

const [, , port, baseURL] = process.argv;
const anthropic = createAnthropic({ apiKey: 'bench', baseURL: `${baseURL}/v1` });
globalThis.AI_SDK_LOG_WARNINGS = false;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request) body += part;
  const { messages } = JSON.parse(body);
  const result = streamText({
    model: anthropic('claude-sonnet-4-5'),
    messages,
    maxOutputTokens: 4096,
    onError() {},
  });
  result.pipeUIMessageStreamToResponse(response);
});
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
