/** Loads KaTeX once, when it is needed. */

import { createLoader } from '../loader.ts';
import type * as KatexEngine from './katex-engine.ts';

export type Katex = Pick<typeof KatexEngine, 'typeset'>;

/** For formulas of mathematics, and for those that have chemistry as well. */
export const mathematics = createLoader<Katex>(async () => {
  const engine = await import('./katex-engine.ts');
  await engine.prepare();
  return engine;
});

export const chemistry = createLoader<Katex>(async () => {
  const engine = await mathematics.whenLoaded();
  await (await import('./katex-engine.ts')).addChemistry();
  return engine;
});
