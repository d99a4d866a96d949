/**
 * The blocks of a growing Markdown text. Only the last one is parsed again as text arrives: what stands before it
 * cannot change any more, and keeps its token object, by which a screen knows that it need not be drawn again.
 */
import type { MarkedToken, Token } from 'marked';
import { closeOpenMarks } from './half-open.ts';
import { lex } from './lexer.ts';

/** `whole`: it came to its own end. `stopped`: no more will come, and marks may have been left open by chance. */
export type TextState = 'growing' | 'stopped' | 'whole';

export interface BlockReader {
  /** `text`: all of it. */
  read(text: string, state: TextState): readonly MarkedToken[];
}

export function createBlockReader(): BlockReader {
  let settled: readonly MarkedToken[] = [];
  let settledText = '';
  let drawn: readonly MarkedToken[] = [];
  return {
    read(markdown, state) {
      const text = markdown.replaceAll(/\r\n?/g, '\n');
      if (!text.startsWith(settledText)) {
        settled = [];
        settledText = '';
      }
      if (state === 'whole') {
        drawn = withKnown(lex(text), drawn);
        return drawn;
      }
      const tokens = lex(text.slice(settledText.length));
      const last = tokens.findLastIndex(isShown);
      const before = tokens.slice(0, Math.max(last, 0));
      settled = [...settled, ...before.filter(isShown)];
      settledText += before.map(({ raw }) => raw).join('');
      const rest = text.slice(settledText.length);
      const shown = closeOpenMarks(rest, tokens.slice(Math.max(last, 0)), state === 'stopped');
      drawn = withKnown([...settled, ...(shown === rest ? tokens.slice(last) : lex(shown))], drawn);
      return drawn;
    },
  };
}

function isShown(token: Token): token is MarkedToken {
  return token.type !== 'space' && token.type !== 'def';
}

/** What is as it was, as the same objects; none where a definition at the end may have given an earlier one its link. */
function withKnown(tokens: readonly Token[], known: readonly MarkedToken[]): readonly MarkedToken[] {
  const blocks = tokens.filter(isShown);
  if (tokens.some(({ type }) => type === 'def')) return blocks;
  return blocks.map((block, at) => asKnown(block, known[at]));
}

/** Of a list or table that grows, the items and rows that are as they were: they need not be drawn again. */
function asKnown(block: MarkedToken, before: MarkedToken | undefined): MarkedToken {
  if (before?.type === block.type && before.raw === block.raw) return before;
  if (block.type === 'list' && before?.type === 'list') {
    const items = block.items.map((item, at) => {
      const known = before.items[at];
      return known?.raw === item.raw ? known : item;
    });
    return { ...block, items };
  }
  if (block.type !== 'table' || before?.type !== 'table') return block;
  const rows = block.rows.map((row, at) => {
    const known = before.rows[at];
    return known && row.every(({ text }, column) => known[column]?.text === text) ? known : row;
  });
  return { ...block, rows };
}
