import type { DeviceStorage } from './device-storage';

/** Of this tab, which goes with it: two tabs must not share conversations. */
export const deviceStorage: DeviceStorage = {
  getItem: (key) => sessionStorage.getItem(key),
  setItem: (key, value) => sessionStorage.setItem(key, value),
  getAllKeys: async () => Object.keys(sessionStorage),
  async multiRemove(keys) {
    for (const key of keys) sessionStorage.removeItem(key);
  },
};
