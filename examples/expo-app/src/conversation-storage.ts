import { deviceStorage } from './device-storage';

/** Before the names under which conversations are kept, each user's apart. */
export const STORAGE_KEY = 'dash-conversations';

let lastWrite: Promise<void> = Promise.resolve();
let isForgotten = false;

/** What `<DashProvider>` keeps conversations and drafts in, where the app is switched to keep them. */
export const conversationStorage = {
  getItem(key: string): string | null | Promise<string | null> {
    isForgotten = false; // somebody is signed in again
    return deviceStorage.getItem(key);
  },
  setItem(key: string, value: string): Promise<void> {
    // After a sign-out the provider writes once more: that there are none.
    if (!isForgotten) lastWrite = Promise.resolve(deviceStorage.setItem(key, value));
    return lastWrite;
  },
};

/** Everybody's: a device may have had users who did not sign out. What is still being written goes as well. */
export async function forgetConversations(): Promise<void> {
  isForgotten = true;
  await lastWrite.catch(() => {}); // a full storage has nothing to forget of it
  const keys = await deviceStorage.getAllKeys();
  await deviceStorage.multiRemove(keys.filter((key) => key.startsWith(STORAGE_KEY)));
}
