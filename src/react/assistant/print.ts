/** Prints a conversation, and nothing else of the page, by the browser: on paper or as PDF. React Native has none of it. */
import { useEffect } from 'react';
import { Platform } from 'react-native';
import { marked } from './web-props.ts';

interface PrintGlobals {
  readonly print?: () => void;
  readonly CSSStyleSheet?: new () => { replaceSync(css: string): void };
  readonly document?: { adoptedStyleSheets: readonly object[] };
}

/** What is on paper: marked elements with all they hold. */
export const printed = marked('dashPrint');
/** Told apart there without its colour. */
export const framedOnPaper = marked('dashFramed');

/**
 * Scrolled regions become as long as what they hold, and colours black on white. Controls are of no use on paper. It costs
 * nothing on the screen.
 */
const CSS = `@media print {
  body:has([data-dash-print]) :not(:has([data-dash-print]), [data-dash-print], [data-dash-print] *) { display: none !important; }
  :has([data-dash-print]) { display: block !important; position: static !important; height: auto !important; min-height: 0 !important;
    max-height: none !important; overflow: visible !important; border: 0 !important; padding: 0 !important; }
  :has([data-dash-print]), [data-dash-print], [data-dash-print] * { color: #000 !important; background-color: transparent !important;
    overflow: visible !important; max-width: 100% !important; }
  [data-dash-print] :is(button, [role=button], [role=textbox], textarea) { display: none !important; }
  [data-dash-framed] { border: 1px solid #767676 !important; }
  [data-dash-print] pre, [data-dash-print] code { white-space: pre-wrap !important; }
  [data-dash-print] :is([role=row], [role=listitem], [role=heading]) { break-inside: avoid; }
  [data-dash-print] [role=heading] { break-after: avoid; }
}`;

/** While the assistant is on the page, also for the browser's own command. */
export function usePrintStyle(): void {
  useEffect(() => {
    const { document, CSSStyleSheet: Sheet } = globalThis as PrintGlobals;
    if (document?.adoptedStyleSheets === undefined || Sheet === undefined) return;
    const sheet = new Sheet(); // no element: those need a leave of the page's content security policy
    sheet.replaceSync(CSS);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    return () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    };
  }, []);
}

/** Undefined where nothing can be printed. */
export function browserPrint(): (() => void) | undefined {
  const { print } = globalThis as PrintGlobals;
  return Platform.OS === 'web' && print ? () => print() : undefined;
}
