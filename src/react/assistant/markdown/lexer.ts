/**
 * Markdown as tokens, within bounds: whatever a model wrote, reading takes time in proportion to its length, and what
 * is nested deeper than anybody reads is shown as it was written.
 */
import { getDefaults, Lexer, type Token, Tokenizer, type Tokens } from 'marked';

/** Of quotes and lists in one another: more leave no room for words on a phone. */
const DEEPEST_BLOCK = 8;
/** Of emphasis, links and strokes in one another. */
const DEEPEST_MARK = 8;
/** Marks are sought in pieces of so many characters: the time for one grows with its square. */
const LONGEST_PIECE = 4096;

export function lex(markdown: string): Token[] {
  return new BoundedLexer({ ...getDefaults(), tokenizer: new BoundedTokenizer() }).lex(markdown);
}

/** Answers undefined, which stands for "nothing of that kind is here", where a token would lie too deep. */
class BoundedTokenizer extends Tokenizer {
  #blocks = 0;
  #marks = 0;

  override blockquote(src: string): Tokens.Blockquote | undefined {
    return this.#block(() => super.blockquote(src));
  }

  override list(src: string): Tokens.List | undefined {
    return this.#block(() => super.list(src));
  }

  override link(src: string): Tokens.Link | Tokens.Image | undefined {
    return this.#mark(() => super.link(src));
  }

  override reflink(
    src: string,
    links: Parameters<Tokenizer['reflink']>[1],
  ): Tokens.Link | Tokens.Image | Tokens.Text | undefined {
    return this.#mark(() => super.reflink(src, links));
  }

  override emStrong(
    src: string,
    maskedSrc: string,
    prevChar?: string,
  ): Tokens.Em | Tokens.Strong | undefined {
    return this.#mark(() => super.emStrong(src, maskedSrc, prevChar));
  }

  override del(src: string, maskedSrc: string, prevChar?: string): Tokens.Del | undefined {
    return this.#mark(() => super.del(src, maskedSrc, prevChar));
  }

  #block<T>(read: () => T | undefined): T | undefined {
    if (this.#blocks >= DEEPEST_BLOCK) return undefined;
    this.#blocks += 1;
    try {
      return read();
    } finally {
      this.#blocks -= 1;
    }
  }

  #mark<T>(read: () => T | undefined): T | undefined {
    if (this.#marks >= DEEPEST_MARK) return undefined;
    this.#marks += 1;
    try {
      return read();
    } finally {
      this.#marks -= 1;
    }
  }
}

class BoundedLexer extends Lexer {
  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    for (const piece of piecesOf(src)) super.inlineTokens(piece, tokens);
    return tokens;
  }
}

/** Cut behind a line, else behind a word, else anywhere. */
function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  while (text.length - from > LONGEST_PIECE) {
    const piece = text.slice(from, from + LONGEST_PIECE);
    const end = [piece.lastIndexOf('\n'), piece.lastIndexOf(' ')].find((at) => at > LONGEST_PIECE / 2);
    from += end === undefined ? LONGEST_PIECE : end + 1;
    pieces.push(piece.slice(0, end === undefined ? undefined : end + 1));
  }
  return [...pieces, text.slice(from)];
}
