/**
 * Seals what is stored of answers: AES-256-GCM, bound to user, run and place, so that nothing can be moved to another one. Each
 * answer has a key of its own, made of ANSWERS_KEY and of a secret that lies beside it on disk: who erases the secret has erased
 * every copy of the text, wherever pages of the file still hold one (SQLite moves rows, and leaves them where they were).
 *
 *   4 bytes: which ANSWERS_KEY, zeros for none │ 12: nonce │ the sealed │ 16: tag
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomFillSync } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NAME_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const SECRET_BYTES = 32;
const OVERHEAD = NAME_BYTES + NONCE_BYTES + TAG_BYTES;

/** What is sealed of an answer, and where it stands: the same on disk and in Postgres. */
export const PLACES = {
  request: 'request',
  whole: 'whole',
  /** @param after the seq before its first delta */
  piece: (after: number) => `piece ${after}`,
} as const;
/** Where none lies beside the answer. */
export const NO_SECRET = new Uint8Array(0);

/** Whose it is, and which run. */
export interface SealedFor {
  readonly userId: string;
  readonly epoch: string;
}

interface MasterKey {
  readonly name: Buffer;
  readonly bytes: Buffer;
}

const NO_KEY: MasterKey = { name: Buffer.alloc(NAME_BYTES), bytes: Buffer.alloc(0) };

export class AnswerKeys {
  readonly #keys: readonly MasterKey[];

  /** @param keys of ANSWERS_KEY, 32 bytes each: the first seals, all open. Empty: none is set */
  constructor(keys: readonly Buffer[] = []) {
    this.#keys = keys.map((bytes) => ({ name: nameOf(bytes), bytes }));
  }

  /** Whether ANSWERS_KEY is set: what leaves this machine is sealed then. */
  get isSet(): boolean {
    return this.#keys.length > 0;
  }

  /** @param secret of the answer, where it lies beside it; empty elsewhere */
  of(answer: SealedFor, secret: Uint8Array): AnswerSeal {
    return new AnswerSeal([...this.#keys, NO_KEY], answer, secret);
  }
}

/** Of one answer. */
export class AnswerSeal {
  readonly #keys: readonly MasterKey[];
  readonly #answer: SealedFor;
  readonly #secret: Uint8Array;
  readonly #derived = new Map<MasterKey, Buffer>();

  constructor(keys: readonly MasterKey[], answer: SealedFor, secret: Uint8Array) {
    this.#keys = keys;
    this.#answer = answer;
    this.#secret = secret;
  }

  /** @param place what it is of the answer: the same again opens it */
  seal(place: string, plain: Uint8Array): Buffer {
    const [key = NO_KEY] = this.#keys;
    const nonce = random(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keyBy(key), nonce);
    cipher.setAAD(this.#boundTo(place));
    return Buffer.concat([key.name, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** Undefined where it is not what was sealed here, or the key that sealed it is not known any more. */
  open(place: string, sealed: Uint8Array): Buffer | undefined {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes.length < OVERHEAD) return undefined;
    const name = bytes.subarray(0, NAME_BYTES);
    const key = this.#keys.find((each) => each.name.equals(name));
    if (key === undefined || (key === NO_KEY && this.#secret.length === 0)) return undefined;
    const nonce = bytes.subarray(NAME_BYTES, NAME_BYTES + NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#keyBy(key), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#boundTo(place));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const plain = decipher.update(bytes.subarray(NAME_BYTES + NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([plain, decipher.final()]);
    } catch {
      return undefined; // another place, another answer, or damaged: nobody can tell which
    }
  }

  #keyBy(key: MasterKey): Buffer {
    const known = this.#derived.get(key);
    if (known !== undefined) return known;
    const made = createHmac('sha256', key.bytes).update(this.#boundTo('key')).update(this.#secret).digest();
    this.#derived.set(key, made);
    return made;
  }

  /** None of the parts has a line break. */
  #boundTo(place: string): Buffer {
    const { userId, epoch } = this.#answer;
    return Buffer.from(['dash-relay answer 1', place, userId.toLowerCase(), epoch].join('\n'));
  }
}

export function newSecret(): Buffer {
  return random(SECRET_BYTES);
}

/** Tells keys apart, and says nothing of them. */
function nameOf(key: Buffer): Buffer {
  return createHash('sha256').update('dash-relay answer key\n').update(key).digest().subarray(0, NAME_BYTES);
}

/** Asking the system for each nonce would cost more than the sealing. */
const randomness = Buffer.alloc(8192);
let unused = 0;

function random(bytes: number): Buffer {
  if (unused < bytes) {
    randomFillSync(randomness);
    unused = randomness.length;
  }
  unused -= bytes;
  return Buffer.from(randomness.subarray(unused, unused + bytes));
}
