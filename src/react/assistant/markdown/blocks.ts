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
  return {
    read(markdown, state) {
      const text = markdown.replaceAll(/\r\n?/g, '\n');
      if (!text.startsWith(settledText)) {
        settled = [];
        settledText = '';
      }
      if (state === 'whole') return withKnown(lex(text), settled);
      const tokens = lex(text.slice(settledText.length));
      const last = tokens.findLastIndex(isShown);
      const before = tokens.slice(0, Math.max(last, 0));
      settled = [...settled, ...before.filter(isShown)];
      settledText += before.map(({ raw }) => raw).join('');
      const rest = text.slice(settledText.length);
      const shown = closeOpenMarks(rest, tokens.slice(Math.max(last, 0)), state === 'stopped');
      return [...settled, ...(shown === rest ? tokens.slice(last) : lex(shown)).filter(isShown)];
    },
  };
}

function isShown(token: Token): token is MarkedToken {
  return token.type !== 'space' && token.type !== 'def';
}

/** The same blocks as the same objects; none where a definition at the end may have given an earlier one its link. */
function withKnown(tokens: readonly Token[], known: readonly MarkedToken[]): readonly MarkedToken[] {
  const blocks = tokens.filter(isShown);
  if (tokens.some(({ type }) => type === 'def')) return blocks;
  return blocks.map((block, at) => {
    const before = known[at];
    return before?.type === block.type && before.raw === block.raw ? before : block;
  });
}
