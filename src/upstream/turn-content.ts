/**
 * Gathers the blocks of one message whole, as they are to be sent back once the tools that it asks for have answered. What
 * was thought stays as it came, signature and all: the API refuses a turn in which a byte of it has changed.
 */
import { parseJson } from '../protocol/parse-json.ts';
import { textOfWire, toWire, type WireText } from '../protocol/wire-text.ts';
import type { AssistantTurn, ContentBlock } from './port.ts';

/** An object of the API: a block, or a delta of one. */
type Piece = Readonly<Record<string, unknown>>;

/** Of what a tool is asked: nothing that one is made for is as deep, and what is deeper is refused when it is sent back. */
const INPUT_BOUNDS = { depth: 256, values: 100_000 } as const;

interface OpenBlock {
  readonly start: Piece;
  /** Insides of JSON string literals. */
  text: string;
  thinking: string;
  signature: string;
  inputJson: string;
}

export class TurnContent {
  #blocks: OpenBlock[] = [];

  /** Another message begins. */
  begin(): void {
    this.#blocks = [];
  }

  block(start: Piece): void {
    this.#blocks.push({ start, text: '', thinking: '', signature: '', inputJson: '' });
  }

  /** @param json the inside of a JSON string literal */
  text(json: WireText): void {
    const block = this.#blocks.at(-1);
    if (block !== undefined) block.text += json;
  }

  delta(delta: Piece): void {
    const block = this.#blocks.at(-1);
    if (block === undefined) return;
    const said = (value: unknown): string => (typeof value === 'string' ? value : '');
    if (delta['type'] === 'text_delta')
      block.text += toWire(JSON.stringify(said(delta['text'])).slice(1, -1));
    else if (delta['type'] === 'thinking_delta') block.thinking += said(delta['thinking']);
    else if (delta['type'] === 'signature_delta') block.signature += said(delta['signature']);
    else if (delta['type'] === 'input_json_delta') block.inputJson += said(delta['partial_json']);
  }

  /** To be called once the message is complete. */
  complete(): Omit<AssistantTurn, 'asked'> {
    const brokenInputs = new Set<string>();
    const content = this.#blocks.map((block) => {
      const { start, inputJson } = block;
      if (start['type'] !== 'tool_use') return spoken(block);
      const input = inputJson === '' ? start['input'] : parsed(inputJson);
      const isObject = typeof input === 'object' && input !== null && !Array.isArray(input);
      if (!isObject) brokenInputs.add(String(start['id']));
      return { ...start, type: 'tool_use', input: isObject ? input : {} };
    });
    return { content: content.filter(isSaid), brokenInputs };
  }
}

function spoken({ start, text, thinking, signature }: OpenBlock): ContentBlock {
  const type = String(start['type']);
  if (type === 'text')
    return {
      ...start,
      type,
      text: (String(start['text'] ?? '') + textOfWire(text as WireText)).toWellFormed(),
    };
  if (type !== 'thinking') return { ...start, type };
  const thought = String(start['thinking'] ?? '') + thinking;
  return { ...start, type, thinking: thought, signature: signature || String(start['signature'] ?? '') };
}

/** The API refuses texts of nothing. */
function isSaid({ type, text }: ContentBlock): boolean {
  return type !== 'text' || (text as string).trim() !== '';
}

function parsed(json: string): unknown {
  try {
    return parseJson(json, INPUT_BOUNDS);
  } catch {
    return undefined;
  }
}
