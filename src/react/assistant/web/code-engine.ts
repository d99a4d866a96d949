/** highlight.js, with tokens in place of its HTML, and what paints them. Loaded with the first code in a language that is known. */
import type { Emitter, HighlightResult, Language, LanguageFn, Mode } from 'highlight.js';
import core from 'highlight.js/lib/core';
import type { CodeColour } from '../theme.ts';
import type { CodeToken, ReadCode } from './code-lexer.ts';

export { CodePainter } from './code-painter.ts';

/** By the names that grammars give to parts of code, of a dotted one the first part. What is not here is as what it stands in. */
const COLOURS: Readonly<Record<string, CodeColour | 'text'>> = {
  comment: 'codeComment',
  quote: 'codeComment',
  keyword: 'codeKeyword',
  'variable.language': 'codeKeyword',
  meta: 'codeKeyword',
  name: 'codeKeyword', // of a tag
  'selector-tag': 'codeKeyword',
  string: 'codeString',
  regexp: 'codeString',
  char: 'codeString',
  link: 'codeString',
  number: 'codeNumber',
  literal: 'codeNumber',
  symbol: 'codeNumber',
  title: 'codeName',
  built_in: 'codeName',
  type: 'codeName',
  attr: 'codeName',
  attribute: 'codeName',
  property: 'codeName',
  'selector-class': 'codeName',
  'selector-id': 'codeName',
  'selector-attr': 'codeName',
  'selector-pseudo': 'codeName',
  subst: 'text', // code within a string
};

/** What highlight.js calls while it reads: the tokens, from the start of what is read. */
class TokenEmitter implements Emitter {
  readonly tokens: CodeToken[] = [];
  /** Characters so far. */
  length = 0;
  readonly #colours: (CodeColour | undefined)[] = [];

  addText(text: string): void {
    const colour = this.#colours.at(-1);
    const start = this.length;
    this.length += text.length;
    if (colour !== undefined && text.trim() !== '') this.tokens.push({ colour, start, end: this.length });
  }

  startScope(name: string): void {
    const colour = COLOURS[name] ?? COLOURS[name.split('.', 1)[0] ?? ''] ?? this.#colours.at(-1);
    this.#colours.push(colour === 'text' ? undefined : colour);
  }

  endScope(): void {
    this.#colours.pop();
  }

  /** What highlight.js calls for most parts, as `startScope` and `endScope` for others. Not in the types. */
  openNode(name: string): void {
    this.startScope(name);
  }

  closeNode(): void {
    this.endScope();
  }

  __addSublanguage(inner: Emitter): void {
    const { tokens, length } = inner as TokenEmitter;
    for (const token of tokens) this.tokens.push(movedBy(token, this.length));
    this.length += length;
  }

  finalize(): void {}

  toHTML(): string {
    return '';
  }
}

/** One of our own: an app may have it too, set otherwise. */
const highlighter = core.newInstance();
highlighter.configure({ __emitter: TokenEmitter });

export function addGrammar(name: string, grammar: LanguageFn): void {
  if (highlighter.getLanguage(name)) return;
  highlighter.registerLanguage(name, (api) => {
    const language = grammar(api);
    guessNothing(language, new Set());
    return language;
  });
}

/**
 * Where a grammar names several languages of what stands in between, highlight.js reads that in each of them to guess: the first is
 * what pages mean, such as JavaScript within `<script>`.
 */
function guessNothing(mode: Language | Mode, seen: Set<Language | Mode>): void {
  if (seen.has(mode)) return;
  seen.add(mode);
  const [first] = Array.isArray(mode.subLanguage) ? mode.subLanguage : [];
  if (first !== undefined) mode.subLanguage = first;
  const within = [...(mode.contains ?? []), ...(mode.variants ?? []), mode.starts ?? 'self'];
  for (const each of within) if (typeof each !== 'string') guessNothing(each, seen);
}

/** `grammar`: one that has been added. `start`: of `code` in all that the tokens are counted from. */
export function readCode(grammar: string, code: string, start: number): ReadCode {
  const { _emitter, _top } = highlighter.highlight(code, { language: grammar, ignoreIllegals: true });
  const { tokens } = _emitter as TokenEmitter;
  return {
    tokens: tokens.map((token) => movedBy(token, start)),
    isClosed: (_top as Within | undefined)?.parent === undefined,
  };
}

function movedBy({ colour, start, end }: CodeToken, by: number): CodeToken {
  return { colour, start: start + by, end: end + by };
}

/** Where it stands when all is read: at the end of a whole part there is nothing around it. Not in the types. */
type Within = NonNullable<HighlightResult['_top']> & { readonly parent?: object };
