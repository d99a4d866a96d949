import AsyncStorage from '@react-native-async-storage/async-storage';

/** The part of AsyncStorage that is used, which in browsers something else has. */
export interface DeviceStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): void | Promise<void>;
  getAllKeys(): Promise<readonly string[]>;
  multiRemove(keys: string[]): Promise<void>;
}

export const deviceStorage: DeviceStorage = AsyncStorage;
