/** Loads KaTeX once, when it is needed, and tells who waits for it. */
import type * as KatexEngine from './katex-engine.ts';

export type Katex = Pick<typeof KatexEngine, 'typeset'>;

interface Loader {
  readonly subscribe: (listener: () => void) => () => void;
  /** Undefined until it is there. */
  readonly get: () => Katex | undefined;
  /** What is there already, or on its way, is not loaded again; what failed is, as a formula may come after the network. */
  readonly load: () => void;
}

/** For formulas of mathematics, and for those that have chemistry as well. */
export const mathematics = createLoader(async () => {
  const engine = await import('./katex-engine.ts');
  await engine.prepare();
  return engine;
});

export const chemistry = createLoader(async () => {
  const engine = await mathematics.whenLoaded();
  await (await import('./katex-engine.ts')).addChemistry();
  return engine;
});

function createLoader(fetch: () => Promise<Katex>): Loader & { whenLoaded(): Promise<Katex> } {
  const listeners = new Set<() => void>();
  let loaded: Katex | undefined;
  let loading: Promise<Katex> | undefined;
  const whenLoaded = (): Promise<Katex> => {
    loading ??= fetch().then(
      (engine) => {
        loaded = engine;
        for (const listener of [...listeners]) listener();
        return engine;
      },
      (error: unknown) => {
        loading = undefined;
        throw error;
      },
    );
    return loading;
  };
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get: () => loaded,
    load: () => void whenLoaded().catch(() => {}), // formulas stay readable without it
    whenLoaded,
  };
}
