/**
 * What is finished of a block that grows: items of a list, rows of a table, lines of code, pieces of a long paragraph. They
 * cannot change any more: only what stands after them is read again as text arrives, so that a step costs the same
 * however long the block is.
 */
import type { Token, Tokens } from 'marked';
import { piecesOf } from './lexer.ts';

type Divisible = Tokens.List | Tokens.Table | Tokens.Code | Tokens.Paragraph;

export interface FinishedParts {
  /** The block as if it ended with them. */
  readonly block: Divisible;
  /** What has to stand in front of the rest, so that it is read as what it is: the head of the table. */
  readonly head: string;
  /** The rest is in the midst of a paragraph. */
  readonly isProse?: boolean;
}

/** The last ones may still change: by a word, by what is nested in them, by a blank line, by a fence. */
const OPEN_PARTS = 2;
/** Fewer are read again as fast as they are put together. */
const WORTH_IT = 8;

/** Of a block whose parts are finished but the last; undefined where they are too few, or it has no such parts. */
export function finishedParts(block: Token | undefined): FinishedParts | undefined {
  switch (block?.type) {
    case 'list':
      return finishedItems(block as Tokens.List);
    case 'table':
      return finishedRows(block as Tokens.Table);
    case 'code':
      return finishedLines(block as Tokens.Code);
    case 'paragraph':
      return finishedPieces(block as Tokens.Paragraph);
    default:
      return undefined;
  }
}

function finishedItems(list: Tokens.List): FinishedParts | undefined {
  const items = list.items.slice(0, -OPEN_PARTS);
  if (items.length < WORTH_IT) return undefined;
  return { block: { ...list, items, raw: items.map(({ raw }) => raw).join('') }, head: '' };
}

function finishedRows(table: Tokens.Table): FinishedParts | undefined {
  const rows = table.rows.slice(0, -OPEN_PARTS);
  if (rows.length < WORTH_IT) return undefined;
  const lines = table.raw.split('\n').map((line) => `${line}\n`);
  const raw = lines.slice(0, HEAD_LINES + rows.length).join('');
  return { block: { ...table, rows, raw }, head: lines.slice(0, HEAD_LINES).join('') };
}

/** The names of the columns, and the line below them. */
const HEAD_LINES = 2;

/** Of code within fences: what is only indented ends otherwise. */
function finishedLines(code: Tokens.Code): FinishedParts | undefined {
  if (code.codeBlockStyle === 'indented') return undefined;
  const [fence, ...lines] = code.raw.split('\n');
  const done = lines.slice(0, -OPEN_PARTS - 1);
  if (done.length < WORTH_IT) return undefined;
  const text = code.text.split('\n').slice(0, done.length).join('\n');
  return { block: { ...code, raw: `${[fence, ...done].join('\n')}\n`, text }, head: `${fence}\n` };
}

function finishedPieces(paragraph: Tokens.Paragraph): FinishedParts | undefined {
  const raw = piecesOf(paragraph.text).slice(0, -1).join('');
  const tokens: Token[] = [];
  let left = raw.length;
  for (const token of paragraph.tokens) {
    if (left <= 0) break;
    tokens.push(token);
    left -= token.raw.length;
  }
  if (raw === '' || left !== 0) return undefined;
  return { block: { ...paragraph, raw, text: raw, tokens }, head: '', isProse: true };
}

/** `rest`: read from `head` and what stands after the finished parts. Undefined where it is something else. */
export function joined({ block, head }: FinishedParts, rest: Token | undefined): Divisible | undefined {
  if (block.type !== rest?.type) return undefined;
  const raw = block.raw + rest.raw.slice(head.length);
  switch (block.type) {
    case 'table':
      return { ...block, rows: [...block.rows, ...(rest as Tokens.Table).rows], raw };
    case 'code':
      return { ...block, text: `${block.text}\n${(rest as Tokens.Code).text}`, raw };
    case 'paragraph': {
      const { text, tokens } = rest as Tokens.Paragraph;
      return { ...block, text: block.text + text, tokens: [...block.tokens, ...tokens], raw };
    }
    default: {
      const { items, loose, ordered } = rest as Tokens.List;
      if (ordered !== block.ordered) return undefined;
      return { ...block, items: [...block.items, ...items], loose: block.loose || loose, raw };
    }
  }
}
