/** Loads a part once, when it is needed, and tells who waits for it. */

export interface Loader<T> {
  readonly subscribe: (listener: () => void) => () => void;
  /** Undefined until it is there. */
  readonly get: () => T | undefined;
  /** What is there already, or on its way, is not loaded again; what failed is, as its next use may come after the network. */
  readonly load: () => void;
  /** Rejects where it cannot be loaded. */
  readonly whenLoaded: () => Promise<T>;
}

export function createLoader<T>(fetch: () => Promise<T>): Loader<T> {
  const listeners = new Set<() => void>();
  let loaded: T | undefined;
  let loading: Promise<T> | undefined;
  const whenLoaded = (): Promise<T> => {
    loading ??= fetch().then(
      (part) => {
        loaded = part;
        for (const listener of [...listeners]) listener();
        return part;
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
    load: () => void whenLoaded().catch(() => {}), // what is drawn stays readable without it
    whenLoaded,
  };
}

/** What needs no loading: in React Native all parts are in the app. */
export function present<T>(part: T): Loader<T> {
  return {
    subscribe: () => () => {},
    get: () => part,
    load: () => {},
    whenLoaded: () => Promise.resolve(part),
  };
}
