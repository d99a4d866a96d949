/** The body of `POST /v1/messages` for a request of ours. The API refuses lone surrogates, so every text is made well-formed. */
import type Anthropic from '@anthropic-ai/sdk';
import type { Message } from '../protocol/frames.ts';
import { isBlank } from '../protocol/model-rules.ts';
import type { UpstreamRequest } from './port.ts';

export function requestBody(request: UpstreamRequest): Anthropic.MessageCreateParamsStreaming {
  return {
    model: request.model,
    max_tokens: request.maxTokens,
    stream: true,
    ...request.thinking,
    ...(isBlank(request.system) ? {} : { system: request.system.toWellFormed() }),
    messages: request.messages.map(messageParam),
    metadata: { user_id: request.userHash },
  };
}

function messageParam({ role, content }: Message): Anthropic.MessageParam {
  if (typeof content === 'string') return { role, content: content.toWellFormed() };
  return {
    role,
    content: content.map((block) =>
      block.type === 'text' ? { type: 'text', text: block.text.toWellFormed() } : block,
    ),
  };
}
