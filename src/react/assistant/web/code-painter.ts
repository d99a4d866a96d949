/**
 * Colours the code of a block where it is in sight. Its shares are drawn and grow by React, which knows nothing of colours: what is
 * there is read from the page. Reading takes its turns among what is drawn.
 */
import type { Palette } from '../theme.ts';
import type { Turns } from '../turns.tsx';
import { highlightOf } from './code-colours.ts';
import { CodeLexer, type CodeReading, type CodeToken } from './code-lexer.ts';

export interface PaintedCode {
  readonly text: string;
  /** Of which `text` is made, with a line end between each two: what each child of the element shows. */
  readonly parts: readonly string[];
}

interface Painted {
  readonly node: Text;
  readonly tokens: readonly CodeToken[];
  readonly ranges: readonly StaticRange[];
}

/** Characters that take as long to read as an element to draw. */
const CHARACTERS = 16;

/** Where the browser has custom highlights. */
export class CodePainter {
  readonly #element: Element;
  readonly #lexer: CodeLexer;
  readonly #colors: Palette;
  readonly #turns: Turns;
  readonly #mutations = new MutationObserver(() => this.#onDrawn());
  readonly #intersections = new IntersectionObserver((entries) => this.#onMoved(entries));
  readonly #observed = new Set<Element>();
  readonly #inSight = new Set<Element>();
  readonly #painted = new Map<Element, Painted>();
  #code: PaintedCode = { text: '', parts: [] };
  #cancelTurn: (() => void) | undefined;

  constructor(element: Element, read: CodeReading, colors: Palette, turns: Turns) {
    this.#element = element;
    this.#lexer = new CodeLexer(read);
    this.#colors = colors;
    this.#turns = turns;
    this.#mutations.observe(element, { childList: true, subtree: true });
  }

  /** After it was drawn; at once, while there is time in this frame. */
  update(code: PaintedCode): void {
    this.#code = code;
    this.#lexer.update(code.text);
    this.#mutations.takeRecords(); // what they tell is done here
    this.#onDrawn();
    this.#turns.flush();
  }

  dispose(): void {
    this.#cancelTurn?.();
    this.#mutations.disconnect();
    this.#intersections.disconnect();
    for (const share of this.#painted.keys()) this.#clear(share);
  }

  #onDrawn(): void {
    const shares = new Set(this.#element.children);
    for (const share of this.#observed) if (!shares.has(share)) this.#forget(share);
    for (const share of shares) {
      if (this.#observed.has(share)) continue;
      this.#observed.add(share);
      this.#intersections.observe(share);
    }
    this.#paint();
  }

  #forget(share: Element): void {
    this.#intersections.unobserve(share);
    this.#observed.delete(share);
    this.#inSight.delete(share);
    this.#clear(share);
  }

  #onMoved(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#inSight.add(target);
      else this.#inSight.delete(target);
      if (!isIntersecting) this.#clear(target);
    }
    this.#paint();
  }

  /** What is in sight, as far as it has been read; reads on where that does not reach. */
  #paint(): void {
    let needed = 0;
    let start = 0;
    for (const [at, share] of Array.from(this.#element.children).entries()) {
      const part = this.#code.parts[at];
      if (part === undefined) break;
      const end = start + part.length;
      if (this.#inSight.has(share)) {
        this.#paintShare(share, part, start);
        needed = end;
      }
      start = end + 1;
    }
    if (this.#lexer.readTo < needed) this.#readOn();
  }

  #readOn(): void {
    this.#cancelTurn ??= this.#turns.request(this.#lexer.nextLength / CHARACTERS, () => {
      this.#cancelTurn = undefined;
      this.#lexer.readNext();
      this.#paint();
    });
  }

  /** `start`: of the part in the code. */
  #paintShare(share: Element, part: string, start: number): void {
    const before = this.#painted.get(share);
    const node = textIn(share, part);
    if (before && before.node !== node) this.#clear(share);
    if (node === undefined) return;
    const known = before?.node === node ? before : { node, tokens: [], ranges: [] };
    const tokens = this.#lexer.tokensBetween(start, start + part.length);
    const same = sameFrom(known.tokens, tokens);
    this.#remove(known, same);
    const added = tokens.slice(same).map((token) => this.#add(node, token, start, part.length));
    this.#painted.set(share, { node, tokens, ranges: [...known.ranges.slice(0, same), ...added] });
  }

  #add(node: Text, { colour, start, end }: CodeToken, offset: number, length: number): StaticRange {
    const range = new StaticRange({
      startContainer: node,
      startOffset: Math.max(0, start - offset),
      endContainer: node,
      endOffset: Math.min(length, end - offset),
    });
    highlightOf(this.#colors[colour]).add(range);
    return range;
  }

  #clear(share: Element): void {
    const painted = this.#painted.get(share);
    if (painted) this.#remove(painted, 0);
    this.#painted.delete(share);
  }

  #remove({ tokens, ranges }: Painted, from: number): void {
    for (let at = from; at < ranges.length; at += 1) {
      const [token, range] = [tokens[at], ranges[at]];
      if (token && range) highlightOf(this.#colors[token.colour]).delete(range);
    }
  }
}

/** What shows the part; undefined where that is not drawn yet. */
function textIn(share: Element, part: string): Text | undefined {
  const node = document.createTreeWalker(share, NodeFilter.SHOW_TEXT).nextNode() as Text | null;
  return node?.data === part ? node : undefined;
}

/** How many of them, from the first, are the same. */
function sameFrom(known: readonly CodeToken[], tokens: readonly CodeToken[]): number {
  const other = known.findIndex((token, at) => {
    const next = tokens[at];
    return token.colour !== next?.colour || token.start !== next.start || token.end !== next.end;
  });
  return other < 0 ? known.length : other;
}
