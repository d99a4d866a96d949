/**
 * What the platform knows about network and app. `wake`: a page or app is back in front. `sleep`: the page is put away
 * with all it holds and does not run until it is back.
 */
export type Signal = 'online' | 'offline' | 'wake' | 'sleep';

/** Calls back on each signal until the function it returned is called. */
export type SignalSource = (listener: (signal: Signal) => void) => () => void;

interface PageEvent {
  /** The page goes to, or comes from, the back/forward cache. */
  readonly persisted?: boolean;
}
interface Target {
  addEventListener?(
    type: string,
    listener: (event: PageEvent) => void,
    options: { readonly signal: AbortSignal },
  ): void;
}

/** The browser's own events; without a browser, nothing. */
export const browserSignals: SignalSource = (listener) => {
  const page = globalThis as Target & { document?: Target & { readonly visibilityState: string } };
  const { document } = page;
  const abort = new AbortController();
  const isInFront = (): boolean => document?.visibilityState !== 'hidden';
  const heed = (
    target: Target | undefined,
    type: string,
    signal: Signal,
    counts: (event: PageEvent) => boolean = isInFront,
  ): void =>
    target?.addEventListener?.(
      type,
      (event) => {
        if (counts(event)) listener(signal);
      },
      abort,
    );
  const isCached = ({ persisted = true }: PageEvent): boolean => persisted;
  heed(page, 'online', 'online');
  heed(page, 'offline', 'offline');
  heed(document, 'visibilitychange', 'wake');
  heed(page, 'pagehide', 'sleep', isCached);
  heed(page, 'pageshow', 'wake', isCached);
  heed(document, 'freeze', 'sleep', isCached);
  heed(document, 'resume', 'wake', isCached);
  return () => abort.abort();
};
