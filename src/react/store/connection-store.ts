/** How the way to the relay is: as the device says, and as the answers under way show. */
import type { Phase, SignalSource } from '../../client/index.ts';
import { browserSignals, type ClientClock, type ClientTimer, deviceClock } from '../../client/platform.ts';
import type { Conversations } from './conversations.ts';
import { FramedStore } from './framed-store.ts';
import type { Frames } from './frames.ts';

export type ConnectionState =
  /** Nothing is known to be wrong. */
  | 'online'
  /** An answer under way has lost its connection and is about to get another. */
  | 'reconnecting'
  /** The same for a while, though the device has a network: a filter, a sign-in page or a firewall may stand in the way. */
  | 'waiting'
  /** The device has no network. */
  | 'offline';

/** So long an ordinary reconnection takes at most, ms; a slow phone on a slow network is not told of a filter. */
const WAITING_AFTER_MS = 8000;

export class ConnectionStore extends FramedStore<ConnectionState> {
  readonly #signals: SignalSource;
  readonly #conversations: Conversations;
  readonly #clock: ClientClock;
  #isOffline = false;
  /** Runs from when an answer began to wait for the relay; a reconnection that lasts ends it. */
  #patience: ClientTimer | undefined;
  #isWaiting = false;
  #close: (() => void) | undefined;

  /** `signals`: as the client has them; in an app made of AppState and NetInfo. */
  constructor(
    conversations: Conversations,
    frames: Frames,
    signals: SignalSource = browserSignals,
    clock: ClientClock = deviceClock,
  ) {
    super(frames, 'online');
    this.#clock = clock;
    this.#conversations = conversations;
    this.#signals = signals;
  }

  /** Idempotent until `close`. */
  open(): void {
    if (this.#close) return;
    this.#isOffline = isKnownOffline(); // first: a source may tell at once what it knows
    const stopListening = this.#signals((signal) => {
      this.#isOffline = signal === 'wake' || signal === 'sleep' ? isKnownOffline() : signal === 'offline';
      this.#calm(); // another network is given its own time
      this.#watch();
      this.publish();
    });
    const unsubscribe = this.#conversations.subscribe(() => {
      this.#watch();
      this.publish();
    });
    this.#close = () => {
      this.#calm();
      stopListening();
      unsubscribe();
    };
    this.#watch();
    this.publish();
  }

  close(): void {
    this.#close?.();
    this.#close = undefined;
  }

  protected override compose(): ConnectionState {
    if (this.#isOffline) return 'offline';
    if (this.#isWaiting) return 'waiting';
    return this.#has('reconnecting') ? 'reconnecting' : 'online';
  }

  /** Once an answer waits for the relay, until none does. */
  #watch(): void {
    if (!this.#has('reconnecting', 'connecting')) this.#calm();
    else
      this.#patience ??= this.#clock.after(WAITING_AFTER_MS, () => {
        this.#isWaiting = true;
        this.publish();
      });
  }

  #calm(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
    this.#isWaiting = false;
  }

  #has(...phases: readonly Phase[]): boolean {
    return this.#conversations.getSnapshot().list.some(({ status }) => phases.includes(status));
  }
}

/** Browsers know; React Native has no such property. */
function isKnownOffline(): boolean {
  const { navigator } = globalThis as { navigator?: { readonly onLine?: boolean } };
  return navigator?.onLine === false;
}
