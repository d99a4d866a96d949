/**
 * Colours of parts of texts by the browser's custom highlights: these are no elements, so that nothing moves, and what is selected
 * or copied is the text. Each colour is one highlight of the whole page, whichever assistant paints with it.
 */

/** On paper all is black, and where people chose their own colours these count. */
const MEDIA = 'screen and (forced-colors: none)';

let sheet: CSSStyleSheet | undefined;

/** What is added to it has the colour, until it is taken out. */
export function highlightOf(colour: string): Highlight {
  const name = `dash-code${colour.replaceAll(/[^\w-]/g, '-')}`;
  const known = CSS.highlights.get(name);
  if (known) return known;
  const rules = adopted();
  const at = rules.insertRule(`::highlight(${name}) {}`, rules.cssRules.length);
  (rules.cssRules[at] as CSSStyleRule).style.color = colour;
  const highlight = new Highlight();
  CSS.highlights.set(name, highlight);
  return highlight;
}

/** Made by a script, not an element: no policy of the page needs to allow it. */
function adopted(): CSSStyleSheet {
  if (sheet) return sheet;
  sheet = new CSSStyleSheet({ media: MEDIA });
  document.adoptedStyleSheets.push(sheet);
  return sheet;
}
