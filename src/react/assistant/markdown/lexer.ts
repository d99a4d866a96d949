/**
 * Markdown as tokens, within bounds: whatever a model wrote, reading takes time in proportion to its length, and what
 * is nested deeper than anybody reads is shown as it was written.
 */
import { getDefaults, Hooks, Lexer, type Token, Tokenizer, type Tokens, type TokensList } from 'marked';
import { formulasIn } from '../math/formula-source.ts';
import { type Extensions, extensionsFor } from './extensions.ts';

/** Of quotes and lists in one another: more leave no room for words on a phone. */
const DEEPEST_BLOCK = 8;
/** How often each character may be read again on average: once for each level, and quotes that go on lazily twice. */
const READINGS = 2 * DEEPEST_BLOCK;
/** What putting a nested block's text together costs, in parts of a reading: it is done again for each lazy line. */
const COPYING = 1 / 8;
/** So much is read again at no noticeable cost. */
const FREE_CHARACTERS = 65_536;
/** Of emphasis, links and strokes in one another. */
const DEEPEST_MARK = 8;
/** Marks are sought in pieces of so many characters: the time for one grows with its square. */
const LONGEST_PIECE = 4096;

/** Where labels lead, by label: definitions of a text. */
export type Links = TokensList['links'];

interface LexOptions {
  /** Defined in what stands before it. */
  readonly links?: Links;
  /** It begins within a paragraph, of which the beginning was read before. */
  readonly isResumed?: boolean;
  /** More will come: a formula that ends with the text is one though it is not complete. */
  readonly isGrowing?: boolean;
}

export function lex(markdown: string, options: LexOptions = {}): TokensList {
  const { links = {}, isResumed = false, isGrowing = false } = options;
  const tokenizer = new BoundedTokenizer(Math.max(READINGS * markdown.length, FREE_CHARACTERS));
  const lexer = new BoundedLexer(tokenizer, isResumed, extensionsFor(markdown, isGrowing));
  Object.assign(lexer.tokens.links, links);
  return lexer.lex(markdown);
}

/** What is nested took more readings than all of the text is worth. */
class TooMuch extends Error {}

/**
 * Answers undefined, which stands for "nothing of that kind is here", where a token would lie too deep: deeper than
 * anybody reads, or once too much was read again, deeper than one.
 */
class BoundedTokenizer extends Tokenizer {
  /** How many characters may be read again. */
  #left: number;
  #deepest = DEEPEST_BLOCK;
  #blocks = 0;
  #marks = 0;

  constructor(readings: number) {
    super();
    this.#left = readings;
  }

  /** @throws TooMuch */
  spend(characters: number): void {
    if (this.#blocks === 0 || this.#deepest === 1) return;
    this.#left -= characters;
    if (this.#left < 0) throw new TooMuch();
  }

  override blockquote(src: string): Tokens.Blockquote | undefined {
    return this.#block(src, () => super.blockquote(src));
  }

  override list(src: string): Tokens.List | undefined {
    return this.#block(src, () => super.list(src));
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

  #block<T>(src: string, tokenize: () => T | undefined): T | undefined {
    if (this.#blocks >= this.#deepest) return undefined;
    const read = (): T | undefined => {
      const token = tokenize();
      if (token && this.#blocks > 1) this.spend(src.length * COPYING);
      return token;
    };
    const state = { ...this.lexer.state };
    const queued = this.lexer.inlineQueue.length;
    this.#blocks += 1;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof TooMuch) || this.#blocks > 1) throw error;
      this.#deepest = 1;
      this.lexer.state = state;
      this.lexer.inlineQueue.length = queued;
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
  readonly #tokenizer: BoundedTokenizer;
  #isResumed: boolean;
  /** The text whose marks are sought now. */
  #piece = '';

  constructor(tokenizer: BoundedTokenizer, isResumed: boolean, extensions: Extensions) {
    const hooks = Object.assign(new Hooks(), {
      emStrongMask: (masked: string): string => withoutFormulas(masked, this.#piece),
    });
    super({ ...getDefaults(), tokenizer, extensions, hooks });
    this.#tokenizer = tokenizer;
    this.#isResumed = isResumed;
  }

  override blockTokens(src: string, tokens?: Token[], isClipped?: boolean): Token[];
  override blockTokens(src: string, tokens?: TokensList, isClipped?: boolean): TokensList;
  override blockTokens(src: string, tokens: Token[] = [], isClipped = false): Token[] {
    this.#tokenizer.spend(src.length);
    return super.blockTokens(this.#afterResumed(src, tokens), tokens, isClipped);
  }

  /** What stands after the rest of the paragraph. */
  #afterResumed(src: string, tokens: Token[]): string {
    if (!this.#isResumed) return src;
    this.#isResumed = false;
    this.#tokenizer.lexer = this;
    const rest = this.#tokenizer.paragraph(src);
    if (rest) tokens.push(rest);
    return src.slice(rest?.raw.length);
  }

  override inlineTokens(src: string, tokens: Token[] = []): Token[] {
    for (const piece of piecesOf(src)) {
      this.#piece = piece;
      tokens.push(...super.inlineTokens(piece));
    }
    return tokens;
  }
}

/** `masked`: as long as `piece`, with letters for what holds no marks. What stands in a formula is no mark either. */
function withoutFormulas(masked: string, piece: string): string {
  let all = '';
  for (const { index, raw } of formulasIn(piece))
    all += masked.slice(all.length, index) + 'a'.repeat(raw.length);
  return all + masked.slice(all.length);
}

/** Cut after a line, else after a word, else anywhere. All but the last stay as they are where the text grows. */
export function piecesOf(text: string): string[] {
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
