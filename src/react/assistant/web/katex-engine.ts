/** KaTeX with its style sheet and fonts. Loaded when the first formula is complete. */
/// <reference path="./assets.d.ts" />
import katex from 'katex';
import stylesheet from 'katex/dist/katex.min.css';
import { addCommonFonts, addRareFonts } from './katex-fonts.ts';

/** Beside KaTeX's own: a size that suits the letters around, left to right everywhere, and copies hold what is seen, once. */
const OWN_RULES = `
.katex { font-size: 1.13em; direction: ltr; unicode-bidi: isolate; }
.katex-display { margin: 0; }
.katex-display > .katex { padding: 0 2px; }
.katex .katex-mathml { user-select: none; -webkit-user-select: none; }
`;
const FONT_FACES = /@font-face\s*\{[^}]*\}/g;

const OPTIONS = {
  output: 'htmlAndMathml', // elements for eyes, MathML for screen readers
  throwOnError: true,
  strict: 'ignore',
  trust: false, // no links, no images, no classes or styles of the model's
  maxSize: 20, // em, of rules and spaces
  maxExpand: 300, // macros in one formula
} as const;

/** @throws where the browser has no style sheets that scripts make, or a font cannot be read */
export async function prepare(): Promise<void> {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(stylesheet.replaceAll(FONT_FACES, '') + OWN_RULES);
  await addCommonFonts();
  document.adoptedStyleSheets.push(sheet);
}

/** So that `\ce` and `\pu` are known. */
export async function addChemistry(): Promise<void> {
  await import('katex/contrib/mhchem');
}

/** @returns whether `element` shows the formula; if not, it is none that KaTeX knows */
export function typeset(element: HTMLElement, tex: string, isDisplay: boolean): boolean {
  try {
    const tree = (katex as unknown as TreeMaker).__renderToDomTree(tex, {
      ...OPTIONS,
      displayMode: isDisplay,
      macros: {},
    });
    withoutStyleAttributes(tree);
    element.replaceChildren(tree.toNode());
    for (const arrow of element.querySelectorAll<SVGElement>(`[${WIDTH}]`))
      arrow.style.width = arrow.getAttribute(WIDTH) ?? '';
  } catch {
    return false; // a ParseError, or what hostile nesting ends in
  }
  addRareFonts(element);
  return true;
}

/** What KaTeX makes elements of. Not in its types. */
interface TreeMaker {
  __renderToDomTree(tex: string, options: object): TreeNode;
}

interface TreeNode {
  readonly children?: readonly TreeNode[];
  readonly attributes?: Record<string, string>;
  toNode(): Node;
}

/** Of those that are no longer there. */
const WIDTH = 'data-width';

/**
 * KaTeX sets styles by properties, which every policy allows, but for some arrows, whose width is an attribute: a
 * Content-Security-Policy without 'unsafe-inline' refuses that.
 */
function withoutStyleAttributes({ attributes, children = [] }: TreeNode): void {
  const { style } = attributes ?? {};
  if (attributes && style !== undefined) {
    delete attributes['style'];
    if (style.startsWith('width:')) attributes[WIDTH] = style.slice('width:'.length);
  }
  for (const child of children) withoutStyleAttributes(child);
}
