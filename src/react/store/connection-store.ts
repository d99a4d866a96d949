/** How the way to the relay is: as the device says, and as the answers under way show. */
import type { Phase, SignalSource } from '../../client/index.ts';
import { browserSignals } from '../../client/platform.ts';
import type { Conversations } from './conversations.ts';
import { FramedStore } from './framed-store.ts';
import type { Frames } from './frames.ts';

export type ConnectionState =
  /** Nothing is known to be wrong. */
  | 'online'
  /** An answer under way has lost its connection and is about to get another. */
  | 'reconnecting'
  /** The device has no network. */
  | 'offline';

export class ConnectionStore extends FramedStore<ConnectionState> {
  readonly #signals: SignalSource;
  readonly #conversations: Conversations;
  #isOffline = false;
  #close: (() => void) | undefined;

  /** `signals`: as the client has them; in an app made of AppState and NetInfo. */
  constructor(conversations: Conversations, frames: Frames, signals: SignalSource = browserSignals) {
    super(frames, 'online');
    this.#conversations = conversations;
    this.#signals = signals;
  }

  /** Idempotent until `close`. */
  open(): void {
    if (this.#close) return;
    const stopListening = this.#signals((signal) => {
      this.#isOffline = signal === 'wake' || signal === 'sleep' ? isKnownOffline() : signal === 'offline';
      this.publish();
    });
    const unsubscribe = this.#conversations.subscribe(() => this.publish());
    this.#close = () => {
      stopListening();
      unsubscribe();
    };
    this.#isOffline = isKnownOffline();
    this.publish();
  }

  close(): void {
    this.#close?.();
    this.#close = undefined;
  }

  protected override compose(): ConnectionState {
    if (this.#isOffline) return 'offline';
    const { list } = this.#conversations.getSnapshot();
    const isLost = ({ status }: { readonly status: Phase }): boolean => status === 'reconnecting';
    return list.some(isLost) ? 'reconnecting' : 'online';
  }
}

/** Browsers know; React Native has no such property. */
function isKnownOffline(): boolean {
  const { navigator } = globalThis as { navigator?: { readonly onLine?: boolean } };
  return navigator?.onLine === false;
}
