/** What the page does before anybody has done anything: it asks a question whose answer shows what can be shown. */
import { useEffect } from 'react';
import { useDash } from '../react/dash-provider.tsx';
import { OPENING } from './catalogue.ts';

/** Time to read what this is, ms. */
const AFTER_MS = 2000;

const CALM = matchMedia('(prefers-reduced-motion: reduce)');

/**
 * Asks it by itself, once, and only where nothing was asked before. Whoever presses or types anything is let be, and so is who
 * wants less motion. `asksItself`: it costs nothing. `onAsk`: it is about to.
 */
export function useOpening(asksItself: boolean, onAsk: () => void): void {
  const { conversations } = useDash();
  useEffect(() => {
    if (!asksItself || CALM.matches) return;
    const over = new AbortController();
    const letBe = (): void => {
      clearTimeout(timer);
      over.abort();
    };
    const timer = setTimeout(() => {
      letBe();
      const { viewed, isRestored, list } = conversations.getSnapshot();
      if (viewed === undefined || !isRestored || list.length > 0) return;
      onAsk();
      conversations.get(viewed).send(OPENING.prompt, { action: OPENING.action });
    }, AFTER_MS);
    // In capture: a field keeps its keys to itself.
    for (const what of ['keydown', 'pointerdown'])
      addEventListener(what, letBe, { capture: true, signal: over.signal });
    return letBe;
  }, [conversations, asksItself, onAsk]);
}
