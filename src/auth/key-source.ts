import type { KeySet } from './key-set.ts';
import type { SignatureAlgorithm, VerificationKey } from './verification-key.ts';

/** Where public keys come from. */
export interface KeySource {
  /**
   * The key of that id, or `undefined` if the issuer has none.
   * @throws RelayError `unavailable` when that cannot be known now.
   */
  find(alg: SignatureAlgorithm, kid: string): Promise<VerificationKey | undefined>;
  /** Whether the set at hand has that very key. */
  has(key: VerificationKey): boolean;
  /** Resolves after the first attempt to load, however it went. */
  start(): Promise<void>;
  /** Whether a key set was ever had. */
  readonly ready: boolean;
  close(): void;
}

/** Keys at hand from the beginning, never changed. */
export function fixedKeys(keys: KeySet): KeySource {
  return {
    has: () => true,
    find: async (alg, kid) => keys.find(alg, kid),
    start: async () => {},
    ready: true,
    close: () => {},
  };
}
