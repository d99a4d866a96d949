/**
 * Tools in a conversation, as strictly as the real API: each one asked for is answered in the very next message, none
 * else is, and what was thought before it was asked for comes back unchanged.
 */
import { type Fields, invalid, isFields } from './fields.ts';

export interface Offer {
  readonly name: string;
  readonly schema: Fields;
}

export interface ToolTurnRules {
  /** The thinking blocks of the message that asked, as JSON, by the id of a `tool_use` that was asked for here. */
  readonly thoughts: ReadonlyMap<string, string>;
}

/** @throws ApiError `invalid_request_error` */
export function readTools(tools: unknown): readonly Offer[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: unknown) =>
    isFields(tool) && typeof tool.name === 'string'
      ? [{ name: tool.name, schema: isFields(tool.input_schema) ? tool.input_schema : {} }]
      : [],
  );
}

/**
 * Returns how often tools were asked for, and answered, since the question.
 * @throws ApiError `invalid_request_error`
 */
export function checkToolTurns({ messages, tools }: Fields, rules: ToolTurnRules): number {
  let asked: readonly string[] = [];
  let steps = 0;
  for (const [index, message] of (messages as readonly Fields[]).entries()) {
    const blocks = blocksOf(message);
    const answered = idsOf(blocks, 'tool_result');
    if (message.role === 'user') steps = answered.length > 0 ? steps + 1 : 0;
    checkAnswers(asked, answered, blocks, index);
    asked = message.role === 'assistant' ? idsOf(blocks, 'tool_use') : [];
    checkThought(asked, blocks, index, rules);
    if (asked.length > 0 && tools === undefined)
      throw invalid('Requests which include `tool_use` or `tool_result` blocks must define tools.');
  }
  if (asked.length > 0) throw unanswered(asked, (messages as readonly Fields[]).length - 1);
  return steps;
}

function blocksOf({ content }: Fields): readonly Fields[] {
  return Array.isArray(content) ? content.filter(isFields) : [];
}

function idsOf(blocks: readonly Fields[], type: 'tool_use' | 'tool_result'): readonly string[] {
  return blocks
    .filter((block) => block.type === type)
    .map(({ id, tool_use_id: of }) => String(type === 'tool_use' ? id : of));
}

function checkAnswers(
  asked: readonly string[],
  answered: readonly string[],
  blocks: readonly Fields[],
  index: number,
): void {
  const stray = answered.find((id) => !asked.includes(id));
  if (stray !== undefined)
    throw invalid(
      `messages.${index}.content: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
    );
  const missing = asked.filter((id) => !answered.includes(id));
  if (missing.length > 0) throw unanswered(missing, index - 1);
  if (new Set(answered).size < answered.length)
    throw invalid(`messages.${index}.content: each tool_use must have a single result`);
  const isFirst = blocks.slice(0, answered.length).every(({ type }) => type === 'tool_result');
  if (!isFirst) throw invalid(`messages.${index}.content: tool_result blocks must come first`);
}

function unanswered(ids: readonly string[], index: number) {
  return invalid(
    `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(', ')}.`,
  );
}

function checkThought(
  asked: readonly string[],
  blocks: readonly Fields[],
  index: number,
  { thoughts }: ToolTurnRules,
): void {
  const thought = thoughtJson(blocks);
  for (const id of asked) {
    const said = thoughts.get(id);
    if (said !== undefined && said !== thought)
      throw invalid(
        `messages.${index}.content: \`thinking\` or \`redacted_thinking\` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.`,
      );
  }
}

/** Of a message, what was thought, to compare it by. */
export function thoughtJson(blocks: readonly Fields[]): string {
  const thinking = blocks.filter(({ type }) => type === 'thinking' || type === 'redacted_thinking');
  return JSON.stringify(thinking.map((block) => [block.type, block.thinking, block.signature, block.data]));
}
