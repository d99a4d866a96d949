/**
 * The assistant on a page of its own. The address holds what the test wants: `#{"url", "token", "props"}`; with `isLate`
 * the storage answers when `window.answerStorage()` is called.
 */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import {
  type ConversationStorage,
  DashAssistant,
  type DashAssistantProps,
  DashProvider,
} from '../../../src/react/index.ts';

interface PageSetting {
  readonly url: string;
  readonly token: string;
  readonly props?: DashAssistantProps;
  /** Default: `sessionStorage`. */
  readonly storage?: keyof typeof STORAGES;
}

declare global {
  interface Window {
    answerStorage?: (value?: undefined) => void;
  }
}

/** As in React Native: every answer comes by a promise. */
function lateStorage(): ConversationStorage {
  const called = new Promise<undefined>((resolve) => {
    window.answerStorage = resolve;
  });
  return {
    getItem: (key) => called.then(() => sessionStorage.getItem(key)),
    setItem: async (key, value) => sessionStorage.setItem(key, value),
  };
}

const STORAGES = {
  late: lateStorage,
  shared: () => localStorage,
  /** As browsers have it where cookies are blocked. */
  forbidden: () => {
    throw new DOMException('denied', 'SecurityError');
  },
};

const { url, token, props, storage } = JSON.parse(decodeURIComponent(location.hash.slice(1))) as PageSetting;
const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <DashProvider
        options={{ url, getToken: () => token }}
        storage={storage ? STORAGES[storage] : sessionStorage}
      >
        <DashAssistant {...props} />
      </DashProvider>
    </StrictMode>,
  );
}
