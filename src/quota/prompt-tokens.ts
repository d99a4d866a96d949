/**
 * How many tokens a prompt will be, before the model's own tokenizer has seen it: from its characters and bytes, which the
 * runtime counts for next to nothing. The API's count takes its place, where it is asked for, and the bill in the end.
 */
import type { ModelFacts } from '../models/model-table.ts';
import type { OutputFormat } from '../models/output-format.ts';
import type { Tool, ToolUse } from '../models/tools.ts';
import type { Message, MessageBlock } from '../protocol/frames.ts';
import type { UploadedFiles } from '../uploads/port.ts';

/** What of a run the model reads. */
export interface PromptOfRun {
  readonly system: string;
  /** What comes after it, and differs between requests of one action. */
  readonly instructions?: string | undefined;
  readonly messages: readonly Message[];
  readonly uploads?: UploadedFiles | undefined;
  readonly outputFormat?: OutputFormat | undefined;
  readonly toolUse?: ToolUse | undefined;
}

/**
 * Of the tokenizer before 4.7, held against its predecessor that is public: what Zulu, Finnish, source code and JSON take,
 * and twice what plain English does. Bytes beyond one a character are those of other scripts: Greek, Arabic and Thai come
 * out right, Chinese with a half to spare. Lists of ids and Amharic take up to twice as many as this says, and no text
 * can take more than two and a half times: a token covers at least one byte.
 */
const TOKENS_PER_CHARACTER = 0.4;
const TOKENS_PER_FURTHER_BYTE = 0.7;
/** Of the newest tokenizers, 1 to 1.35 times as many as of those before: for models that are not in the table. */
const UNKNOWN_FACTOR = 1.35;
/** What the API adds around a request and around each message; measured below 10, kept with room. */
const TOKENS_PER_REQUEST = 64;
const TOKENS_PER_MESSAGE = 16;
/** What the API itself tells a model of tools, by the largest of its own figures. */
const TOKENS_PER_TOOL_PROMPT = 600;
/** What tools have answered by the time a model is asked again, on average: some 8 KB. One may answer with 64. */
export const TOOL_ANSWER_TOKENS = 2_000;
/** The API scales larger images down; the models with the largest ones take 4,784 tokens. */
const UNKNOWN_IMAGE_TOKENS = 5000;
/** An image costs a token for each square of so many pixels, once it is scaled down. */
const TILE_PIXELS = 28;
/** The API reads each page of a PDF twice, as text and as an image: what a page full of small print has. */
const TOKENS_PER_PAGE_OF_TEXT = 3000;

/** @param model undefined for one that is not in the table */
export function estimatePromptTokens(prompt: PromptOfRun, model: ModelFacts | undefined): number {
  const { system, instructions = '', messages, uploads, outputFormat, toolUse } = prompt;
  let text = textTokens(system) + textTokens(instructions);
  if (outputFormat !== undefined) text += textTokens(JSON.stringify(outputFormat));
  let rest = TOKENS_PER_REQUEST + TOKENS_PER_MESSAGE * messages.length;
  if (toolUse !== undefined) {
    text += textTokens(JSON.stringify(toolUse.tools.map(toldTool)));
    rest += TOKENS_PER_TOOL_PROMPT;
  }
  for (const { content } of messages) {
    if (typeof content === 'string') text += textTokens(content);
    else
      for (const block of content) {
        if (block.type === 'text') text += textTokens(block.text);
        else rest += mediaTokens(block, uploads, model);
      }
  }
  return rest + Math.ceil(text * factorOf(model));
}

/** What the API calls an estimate itself may be off by a few tokens: so many times of it are held. */
const COUNT_MARGIN = 1.01;

/** What to hold of a prompt that was counted. @param scale of the model that may answer, against the one that counted */
export function countedPromptTokens(counted: number, scale: number): number {
  return Math.ceil(counted * scale * COUNT_MARGIN);
}

/** How many tokens one model makes of a prompt at most, for each that another one counts in it. */
export function tokenScale(
  { messages }: Pick<PromptOfRun, 'messages'>,
  { counts, answers }: { readonly [Model in 'counts' | 'answers']: ModelFacts | undefined },
): number {
  const text = factorOf(answers) / factorOf(counts);
  // An image takes as many of each model, up to the most that it makes of one.
  return messages.some(hasImage) ? Math.max(text, 1, imageTokensOf(answers) / imageTokensOf(counts)) : text;
}

function hasImage({ content }: Message): boolean {
  return typeof content !== 'string' && content.some(({ type }) => type !== 'text');
}

/** Of a known image by its sides; of one whose sides nobody measured, as many as one can have. */
function mediaTokens(
  { source }: Exclude<MessageBlock, { type: 'text' }>,
  uploads: UploadedFiles | undefined,
  model: ModelFacts | undefined,
): number {
  const facts = 'id' in source ? uploads?.get(source.id)?.facts : undefined;
  const most = imageTokensOf(model);
  if (facts === undefined) return most;
  const { width, height, pages } = facts;
  if (pages !== undefined) return pages * (most + Math.ceil(TOKENS_PER_PAGE_OF_TEXT * factorOf(model)));
  if (model === undefined || width === undefined || height === undefined) return most;
  const scale = Math.min(1, model.images.longestEdgePixels / Math.max(width, height));
  return Math.min(most, tilesOf(width * scale) * tilesOf(height * scale));
}

function tilesOf(pixels: number): number {
  return Math.ceil(pixels / TILE_PIXELS);
}

function factorOf(model: ModelFacts | undefined): number {
  return model?.tokenFactor ?? UNKNOWN_FACTOR;
}

function imageTokensOf(model: ModelFacts | undefined): number {
  return model?.images.maxTokens ?? UNKNOWN_IMAGE_TOKENS;
}

function toldTool({ name, description, inputSchema }: Tool) {
  return { name, description, inputSchema };
}

/** By the tokenizer before 4.7. */
function textTokens(text: string): number {
  const characters = text.length;
  return characters * TOKENS_PER_CHARACTER + (Buffer.byteLength(text) - characters) * TOKENS_PER_FURTHER_BYTE;
}
