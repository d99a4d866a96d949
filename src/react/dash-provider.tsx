/** Gives the components below one client, its conversations and its connection. */
import {
  createContext,
  type ReactNode,
  useContext,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { createDashClient } from '../client/create-dash-client.ts';
import type { DashClient, DashClientOptions, SignalSource } from '../client/index.ts';
import { type ConnectionState, ConnectionStore } from './store/connection-store.ts';
import { Conversations, type ConversationsOptions } from './store/conversations.ts';
import { createFrames, type FrameScheduler, type Frames } from './store/frames.ts';
import type { ConversationStorage } from './store/shared-text.ts';

export interface DashProviderProps extends Pick<ConversationsOptions, 'storageKey' | 'historyMessages'> {
  /**
   * Where conversations are kept, whole and in plain text, or a function that says where. Of a page whose browser forbids it, it may
   * throw: nothing is kept then. Default: nowhere.
   */
  readonly storage?: ConversationStorage | (() => ConversationStorage) | undefined;
  /** An app's own client, which may be in use elsewhere and is not closed. In React Native: of `@dash-relay/client/react-native`. */
  readonly client?: DashClient | undefined;
  /** Instead of `client`: one that is closed with the provider. */
  readonly options?: DashClientOptions | undefined;
  /** What tells of the network coming and going. Default: the options', or the browser's. */
  readonly signals?: SignalSource | undefined;
  /** Default: the frames of the screen. */
  readonly frameScheduler?: FrameScheduler | undefined;
  readonly children?: ReactNode;
}

export interface Dash {
  readonly client: DashClient;
  readonly conversations: Conversations;
  readonly connection: ConnectionStore;
  readonly frames: Frames;
  open(): void;
  close(): void;
}

const DashContext = createContext<Dash | undefined>(undefined);

/**
 * The properties are those of the first rendering: for another user give it another `key`.
 * @example
 * ```tsx
 * import { DashAssistant, DashProvider } from '@dash-relay/client/react';
 *
 * export function App() {
 *   return (
 *     <DashProvider client={client} storage={() => sessionStorage}>
 *       <DashAssistant />
 *     </DashProvider>
 *   );
 * }
 * ```
 */
export function DashProvider({ children, ...props }: DashProviderProps) {
  const [dash] = useState(() => createDash(props));
  useOpened(dash);
  return <DashContext value={dash}>{children}</DashContext>;
}

/** @throws Error outside of a DashProvider */
export function useDash(): Dash {
  const dash = useContext(DashContext);
  if (dash === undefined)
    throw new Error('unable to find the relay; put the component inside a <DashProvider>');
  return dash;
}

/**
 * How the way to the relay is.
 * @example
 * ```tsx
 * import { useConnection } from '@dash-relay/client/react';
 *
 * export function Offline() {
 *   return useConnection() === 'offline' ? <p>No network</p> : null;
 * }
 * ```
 */
export function useConnection(): ConnectionState {
  const { connection } = useDash();
  return useSyncExternalStore(connection.subscribe, connection.getSnapshot, connection.getSnapshot);
}

/**
 * Opened while the component is on the screen. It closes a turn later and only if the component has not come back:
 * StrictMode takes each away once and puts it back, and an answer should not notice.
 */
export function useOpened(resource: { open(): void; close(): void }): void {
  const mounts = useRef(0);
  useLayoutEffect(() => {
    mounts.current += 1;
    resource.open();
    return () => {
      const mount = mounts.current;
      queueMicrotask(() => {
        if (mounts.current === mount) resource.close();
      });
    };
  }, [resource]);
}

/** Where cookies are blocked browsers throw as soon as a page says `sessionStorage`. */
function storageOf(storage: DashProviderProps['storage']): ConversationStorage | undefined {
  if (typeof storage !== 'function') return storage;
  try {
    return storage();
  } catch {
    return undefined;
  }
}

function createDash(props: Omit<DashProviderProps, 'children'>): Dash {
  const { options, frameScheduler, storageKey, historyMessages } = props;
  const storage = storageOf(props.storage);
  const client = props.client ?? (options && createDashClient(options));
  if (client === undefined)
    throw new Error('unable to reach a relay; give <DashProvider> a client or options');
  const frames = createFrames(frameScheduler);
  const { clock } = options ?? {};
  const conversations = new Conversations({ client, frames, clock, storage, storageKey, historyMessages });
  const connection = new ConnectionStore(conversations, frames, props.signals ?? options?.signals, clock);
  return {
    client,
    conversations,
    connection,
    frames,
    open() {
      connection.open();
      conversations.open();
    },
    close() {
      connection.close();
      conversations.close();
      if (props.client === undefined) client.close();
    },
  };
}
