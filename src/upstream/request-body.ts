/** The body of `POST /v1/messages` that asks a model what is asked of us, and the one that has its prompt counted. */
import type Anthropic from '@anthropic-ai/sdk';
import type { CacheBreakpoints, CacheTtl } from '../models/cache.ts';
import type { OutputFormat } from '../models/output-format.ts';
import type { ThinkingFields } from '../models/thinking.ts';
import type { DocumentBlock, ImageBlock, Message, MessageBlock } from '../protocol/frames.ts';
import { isBlank } from '../protocol/model-rules.ts';
import type { UploadedFiles } from '../uploads/port.ts';
import type { ModelRequest, RefusalFallbacks, ToolResult, ToolTurn, UpstreamRequest } from './port.ts';

/** Betas of the API are part of the body only with its header. */
export type RequestBody = Anthropic.MessageCreateParamsStreaming &
  Pick<Anthropic.Beta.Messages.MessageCreateParams, 'fallbacks'>;

/**
 * The API refuses lone surrogates, so every text is made well-formed.
 * @param asked the request's own model, or its fallback
 */
export function requestBody(request: UpstreamRequest, asked: ModelRequest = request): RequestBody {
  const { toolTurns = [] } = request;
  const prompt = countBody(request, asked);
  const { maxTokens, refusalFallbacks } = asked;
  return {
    ...prompt,
    messages: [...prompt.messages, ...toolTurns.flatMap(turnParams)],
    max_tokens: maxTokens,
    stream: true,
    metadata: { user_id: request.userHash },
    ...(refusalFallbacks === undefined ? {} : { fallbacks: fallbacksField(refusalFallbacks) }),
  };
}

/** The body of `POST /v1/messages/count_tokens`: the same prompt, and nothing that says what is done with it. */
export function countBody(request: UpstreamRequest, { model, thinking, cache }: ModelRequest): PromptFields {
  const { outputFormat, messages, uploads } = request;
  return {
    model,
    ...thinking,
    ...outputConfig(thinking, outputFormat),
    ...toolFields(request),
    ...systemField(request, cache),
    messages: messagesField(messages, cache, uploads),
  };
}

type PromptFields = Pick<
  Anthropic.MessageCreateParams & Anthropic.MessageCountTokensParams,
  'model' | 'messages' | 'system' | 'thinking' | 'output_config' | 'tools' | 'tool_choice'
>;

/** Of an attempt, what is left out is as the request has it, and `null` is as the model has it by itself. */
function fallbacksField(fallbacks: RefusalFallbacks): Anthropic.Beta.BetaFallbacksParam {
  if (fallbacks === 'default') return fallbacks;
  return fallbacks.map(({ model, maxTokens, thinking: fields }) => {
    const { thinking = null, output_config: { effort = null } = {} } = fields;
    return { model, max_tokens: maxTokens, thinking, output_config: { effort } };
  });
}

/** Effort and format stand in one field. */
function outputConfig(
  { output_config: effort }: ThinkingFields,
  format: OutputFormat | undefined,
): Pick<Anthropic.MessageCreateParams, 'output_config'> {
  if (format === undefined) return {};
  return { output_config: { ...effort, format: { type: format.type, schema: { ...format.schema } } } };
}

/** They stay where the model has to answer without: its prompt speaks of them. */
function toolFields({ toolUse, toolTurns }: UpstreamRequest): Pick<PromptFields, 'tools' | 'tool_choice'> {
  if (toolUse === undefined) return {};
  const tools = toolUse.tools.map(({ name, description, inputSchema }) => ({
    name,
    description,
    input_schema: { ...inputSchema, type: 'object' } as const,
  }));
  return { tools, ...(toolTurns?.at(-1)?.isLast ? { tool_choice: { type: 'none' } } : {}) };
}

function turnParams({ content, results }: ToolTurn): Anthropic.MessageParam[] {
  return [
    { role: 'assistant', content: content as readonly object[] as Anthropic.ContentBlockParam[] },
    { role: 'user', content: results.map(resultParam) },
  ];
}

function resultParam({ toolUseId, content, isError }: ToolResult): Anthropic.ToolResultBlockParam {
  return {
    type: 'tool_result',
    tool_use_id: toolUseId,
    content: content.toWellFormed(),
    ...(isError ? { is_error: true } : {}),
  };
}

/** What all requests of an action have in common is a block of its own where it is kept. */
function systemField(
  { system, instructions = '' }: UpstreamRequest,
  cache: CacheBreakpoints,
): Pick<Anthropic.MessageCreateParams, 'system'> {
  const [common, own] = [system.toWellFormed(), instructions.toWellFormed()];
  if (isBlank(system)) return instructions === '' ? {} : { system: own };
  const after = instructions === '' ? '' : `\n\n${own}`;
  if (cache.system === undefined) return { system: common + after };
  const kept = { type: 'text', text: common, cache_control: cacheControl(cache.system) } as const;
  return { system: after === '' ? [kept] : [kept, { type: 'text', text: after }] };
}

/** What is kept must come again byte for byte: once something is marked every text is a block, marked or not. */
function messagesField(
  messages: readonly Message[],
  cache: CacheBreakpoints,
  uploads: UploadedFiles | undefined,
): Anthropic.MessageParam[] {
  if (cache.messages.length === 0) return messages.map((message) => messageParam(message, uploads));
  const marks = new Map(cache.messages.map((breakpoint) => [breakpoint.message, breakpoint]));
  return messages.map(({ role, content }, index) => {
    const mark = marks.get(index);
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content } as const] : content;
    return {
      role,
      content: blocks.map((block, at) =>
        blockParam(block, uploads, at === mark?.block ? mark.ttl : undefined),
      ),
    };
  });
}

function messageParam(
  { role, content }: Message,
  uploads: UploadedFiles | undefined,
): Anthropic.MessageParam {
  if (typeof content === 'string') return { role, content: content.toWellFormed() };
  return { role, content: content.map((block) => blockParam(block, uploads)) };
}

type BlockParam = Anthropic.TextBlockParam | Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam;

function blockParam(block: MessageBlock, uploads: UploadedFiles | undefined, kept?: CacheTtl): BlockParam {
  const mark = kept === undefined ? {} : { cache_control: cacheControl(kept) };
  if (block.type === 'text') return { type: 'text', text: block.text.toWellFormed(), ...mark };
  if (block.source.type === 'upload') return { ...uploadParam(block, uploads), ...mark };
  return { type: 'image', source: block.source, ...mark };
}

/** Made for each body anew: between two tries no text of it is kept, a third larger than the file. */
function uploadParam(
  { source }: ImageBlock | DocumentBlock,
  uploads: UploadedFiles | undefined,
): Anthropic.ImageBlockParam | Anthropic.DocumentBlockParam {
  const file = 'id' in source ? uploads?.get(source.id) : undefined;
  if (file === undefined) throw new Error('a run without the uploads that its messages name');
  const { mediaType } = file.facts;
  const data = file.content.toString('base64');
  return mediaType === 'application/pdf'
    ? { type: 'document', source: { type: 'base64', media_type: mediaType, data } }
    : { type: 'image', source: { type: 'base64', media_type: mediaType, data } };
}

/** Five minutes are what is meant where nothing is said. */
function cacheControl(ttl: CacheTtl): Anthropic.CacheControlEphemeral {
  return ttl === '5m' ? { type: 'ephemeral' } : { type: 'ephemeral', ttl };
}
