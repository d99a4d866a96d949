/** What the platform knows about network and app: `wake` when a page or app is back in front. */
export type Signal = 'online' | 'offline' | 'wake';

/** Calls back on each signal until the function it returned is called. */
export type SignalSource = (listener: (signal: Signal) => void) => () => void;

type Target = Partial<Pick<EventTarget, 'addEventListener'>>;

/** The browser's own events; without a browser, nothing. */
export const browserSignals: SignalSource = (listener) => {
  const page = globalThis as Target & { document?: Target & { readonly visibilityState: string } };
  const { document } = page;
  const abort = new AbortController();
  const heed = (target: Target | undefined, event: string, signal: Signal): void =>
    target?.addEventListener?.(
      event,
      () => {
        if (document?.visibilityState !== 'hidden') listener(signal);
      },
      abort,
    );
  heed(page, 'online', 'online');
  heed(page, 'offline', 'offline');

  heed(document, 'visibilitychange', 'wake');
  return () => abort.abort();
};
