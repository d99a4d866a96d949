import { KeySetFault } from './key-set-fault.ts';
import type { KeySetState } from './port.ts';
import {
  type PublicKey,
  publicKeyOf,
  type SignatureAlgorithm,
  type VerificationKey,
} from './verification-key.ts';

/** The usable keys of an issuer. */
export class KeySet {
  static readonly EMPTY: KeySet = new KeySet([]);
  readonly #keys: ReadonlyMap<string, PublicKey>;

  private constructor(keys: readonly PublicKey[]) {
    this.#keys = new Map(keys.map((key) => [nameOf(key.alg, key.kid), key]));
  }

  /**
   * Reads a JWK set (RFC 7517). Keys that `previous` holds already stay the same objects, so that what was proven
   * by them stays proven across refreshes, and nothing else does.
   * @throws Error when it is no JWK set.
   */
  static async from(jwks: unknown, previous: KeySet = KeySet.EMPTY): Promise<KeySet> {
    const keys = typeof jwks === 'object' && jwks !== null && 'keys' in jwks ? jwks.keys : undefined;
    if (!Array.isArray(keys)) throw new KeySetFault('not a JWK set');
    const usable = (await Promise.all(keys.map(publicKeyOf))).filter((key) => key !== undefined);
    return new KeySet(usable.map((key) => previous.#same(key) ?? key));
  }

  get size(): number {
    return this.#keys.size;
  }

  get algorithms(): ReadonlySet<SignatureAlgorithm> {
    return new Set([...this.#keys.values()].map(({ alg }) => alg));
  }

  find(alg: SignatureAlgorithm, kid: string): PublicKey | undefined {
    return this.#keys.get(nameOf(alg, kid));
  }

  has(key: VerificationKey): boolean {
    return [...this.#keys.values()].some((each) => each === key);
  }

  #same(key: PublicKey): PublicKey | undefined {
    const held = this.find(key.alg, key.kid);
    return held?.fingerprint === key.fingerprint ? held : undefined;
  }
}

function nameOf(alg: SignatureAlgorithm, kid: string): string {
  return `${alg} ${kid}`;
}

export type Found = VerificationKey | undefined;

/** Where public keys come from. */
export interface KeySource {
  /**
   * The key of that id, or `undefined` if the issuer has none: a promise only where the issuer is asked.
   * It rejects with RelayError `unavailable` when that cannot be known now.
   */
  find(alg: SignatureAlgorithm, kid: string): Found | Promise<Found>;
  /** Whether the set at hand has that very key. */
  has(key: VerificationKey): boolean;
  /** Resolves after the first attempt to load, however it went. */
  start(): Promise<void>;
  /** Whether a key set was ever had. */
  readonly ready: boolean;
  /** Null where it is not fetched. */
  readonly state: KeySetState | null;
  close(): void;
}

/** Keys at hand from the beginning, never changed. */
export function fixedKeys(keys: KeySet): KeySource {
  return {
    has: () => true,
    find: (alg, kid) => keys.find(alg, kid),
    start: async () => {},
    ready: true,
    state: null,
    close: () => {},
  };
}
