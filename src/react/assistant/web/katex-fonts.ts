/**
 * KaTeX's fonts, from their bytes: no address is asked for, so that no policy of the page needs to allow one. What most formulas
 * need comes along with KaTeX, any other font when a formula has it first.
 */
/// <reference path="./assets.d.ts" />
import mainRegular from 'katex/dist/fonts/KaTeX_Main-Regular.woff2';
import mathItalic from 'katex/dist/fonts/KaTeX_Math-Italic.woff2';
import size1 from 'katex/dist/fonts/KaTeX_Size1-Regular.woff2';
import size2 from 'katex/dist/fonts/KaTeX_Size2-Regular.woff2';
import size3 from 'katex/dist/fonts/KaTeX_Size3-Regular.woff2';
import size4 from 'katex/dist/fonts/KaTeX_Size4-Regular.woff2';

const ITALIC = { style: 'italic' };
const BOLD = { weight: 'bold' };

export async function addCommonFonts(): Promise<void> {
  await Promise.all([
    add('KaTeX_Main', mainRegular),
    add('KaTeX_Math', mathItalic, ITALIC),
    add('KaTeX_Size1', size1),
    add('KaTeX_Size2', size2),
    add('KaTeX_Size3', size3),
    add('KaTeX_Size4', size4),
  ]);
}

interface RareFont {
  readonly family: string;
  readonly descriptors?: FontFaceDescriptors;
  readonly load: () => Promise<{ readonly default: string }>;
}

/** By the classes that KaTeX gives to what is written in them. */
const RARE: Readonly<Record<string, RareFont>> = {
  '.amsrm,.mathbb,.textbb': {
    family: 'KaTeX_AMS',
    load: () => import('katex/dist/fonts/KaTeX_AMS-Regular.woff2'),
  },
  '.mathbf,.textbf': {
    family: 'KaTeX_Main',
    descriptors: BOLD,
    load: () => import('katex/dist/fonts/KaTeX_Main-Bold.woff2'),
  },
  '.textit': {
    family: 'KaTeX_Main',
    descriptors: ITALIC,
    load: () => import('katex/dist/fonts/KaTeX_Main-Italic.woff2'),
  },
  '.boldsymbol': {
    family: 'KaTeX_Math',
    descriptors: { ...BOLD, ...ITALIC },
    load: () => import('katex/dist/fonts/KaTeX_Math-BoldItalic.woff2'),
  },
  '.mathcal': {
    family: 'KaTeX_Caligraphic',
    load: () => import('katex/dist/fonts/KaTeX_Caligraphic-Regular.woff2'),
  },
  '.mathfrak,.textfrak': {
    family: 'KaTeX_Fraktur',
    load: () => import('katex/dist/fonts/KaTeX_Fraktur-Regular.woff2'),
  },
  '.mathscr,.textscr': {
    family: 'KaTeX_Script',
    load: () => import('katex/dist/fonts/KaTeX_Script-Regular.woff2'),
  },
  '.mathsf,.textsf': {
    family: 'KaTeX_SansSerif',
    load: () => import('katex/dist/fonts/KaTeX_SansSerif-Regular.woff2'),
  },
  '.mathtt,.texttt': {
    family: 'KaTeX_Typewriter',
    load: () => import('katex/dist/fonts/KaTeX_Typewriter-Regular.woff2'),
  },
};

const asked = new Set<string>();

/** Those that the formula in `element` has, where they are not there yet. Without one its letters are the page's own. */
export function addRareFonts(element: Element): void {
  for (const [classes, { family, descriptors, load }] of Object.entries(RARE)) {
    if (asked.has(classes) || element.querySelector(classes) === null) continue;
    asked.add(classes);
    load()
      .then((font) => add(family, font.default, descriptors))
      .catch(() => asked.delete(classes)); // the network was away: with the next formula again
  }
}

async function add(family: string, base64: string, descriptors: FontFaceDescriptors = {}): Promise<void> {
  const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  document.fonts.add(await new FontFace(family, bytes, descriptors).load());
}
