/**
 * The finished items of a growing list, and rows of a growing table. They cannot change any more: only what stands after
 * them is read again as text arrives, so that a step costs the same however long the list or table is.
 */
import type { Token, Tokens } from 'marked';

export interface FinishedParts {
  /** The list or table as if it ended with them. */
  readonly block: Tokens.List | Tokens.Table;
  /** What has to stand in front of the rest, so that it is read as what it is: the head of the table. */
  readonly head: string;
}

/** The last ones may still change: by a word, by what is nested in them, by a blank line. */
const OPEN_PARTS = 2;
/** Fewer are read again as fast as they are put together. */
const WORTH_IT = 8;

/** Of a block whose parts are finished but the last; undefined where they are too few, or it has no such parts. */
export function finishedParts(block: Token | undefined): FinishedParts | undefined {
  if (block?.type === 'list') return finishedItems(block as Tokens.List);
  return block?.type === 'table' ? finishedRows(block as Tokens.Table) : undefined;
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

/** `rest`: read from `head` and what stands after the finished parts. Undefined where it is something else. */
export function joined(
  { block, head }: FinishedParts,
  rest: Token | undefined,
): FinishedParts['block'] | undefined {
  if (block.type === 'table' && rest?.type === 'table') {
    const { rows, raw } = rest as Tokens.Table;
    return { ...block, rows: [...block.rows, ...rows], raw: block.raw + raw.slice(head.length) };
  }
  if (block.type !== 'list' || rest?.type !== 'list') return undefined;
  const { items, raw, loose, ordered } = rest as Tokens.List;
  if (ordered !== block.ordered) return undefined;
  return { ...block, items: [...block.items, ...items], raw: block.raw + raw, loose: block.loose || loose };
}
