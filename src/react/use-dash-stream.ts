import { useMemo, useState, useSyncExternalStore } from 'react';
import type { Failure } from '../client/dash-error.ts';
import type { DashStream, Phase, Refusal, StreamRequest, Usage } from '../client/index.ts';
import { useDash, useOpened } from './dash-provider.tsx';
import { StreamStore } from './store/stream-store.ts';

export interface DashStreamState {
  readonly status: Phase;
  /** All text so far; it changes at most once per frame. */
  readonly text: string;
  /** The model thinks now, before its first word or between two. */
  readonly isThinking: boolean;
  /** A summary of what it thinks now, where the action shows it. */
  readonly thought: string;
  /** Words for the tool that is called now, '' where it has none; undefined: none is called. */
  readonly tool: string | undefined;
  /** Once the answer has ended. */
  readonly usage: Usage | undefined;
  readonly stopReason: string | undefined;
  /** Of what kind, where the model declined; `text` is empty then. */
  readonly refusal: Refusal | undefined;
  readonly error: Failure | undefined;
  /** Asks the model; an answer under way is stopped. */
  start(request: StreamRequest): DashStream;
  stop(): void;
  /** Asks the same again. */
  regenerate(): DashStream | undefined;
}

/**
 * One answer at a time, stopped when the component goes. What should outlive it belongs in `useConversation`.
 * @example
 * ```tsx
 * import { useDashStream } from '@dash-relay/client/react';
 *
 * export function Hint({ exercise }: { exercise: string }) {
 *   const { text, status, start, stop } = useDashStream();
 *   const ask = () => start({ action: 'homework_help', messages: [{ role: 'user', content: exercise }] });
 *   return status === 'streaming' ? <button onClick={stop}>Stop</button> : <button onClick={ask}>{text || 'Hint'}</button>;
 * }
 * ```
 */
export function useDashStream(): DashStreamState {
  const { client, frames } = useDash();
  const [store] = useState(() => new StreamStore(client, frames));
  const actions = useMemo(() => {
    let unsubscribe: (() => void) | undefined;
    return {
      start: (request: StreamRequest) => store.start(request),
      stop: () => store.stop(),
      regenerate: () => store.regenerate(),
      open() {
        unsubscribe ??= client.onUser((userId, signedOut) => store.belongTo(userId, signedOut));
      },
      close() {
        unsubscribe?.();
        unsubscribe = undefined;
        store.stop();
      },
    };
  }, [store, client]);
  useOpened(actions);
  const { content: text, ...state } = useSyncExternalStore(
    store.subscribe,
    store.getSnapshot,
    store.getSnapshot,
  );
  const { start, stop, regenerate } = actions;
  return { ...state, text, start, stop, regenerate };
}
