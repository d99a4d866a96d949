/**
 * Uploads of one machine: whose they are, what they come to, and when they end. Where their bytes lie is the shelf's part: in
 * memory, or in a directory.
 */
import type { Upload } from '../protocol/frames.ts';
import type { Clock, Timer } from '../time/clock.ts';
import type { UploadedFile, UploadLimits, UploadStore } from './port.ts';
import { noRoom, tooManyUploads } from './refusals.ts';

/** Bytes by a user and an id. */
export interface Shelf {
  /** What was left there by a process before this one. */
  found(): Promise<readonly { readonly userKey: string; readonly facts: Upload }[]>;
  write(userKey: string, file: UploadedFile): Promise<void>;
  /** Undefined where it is gone. */
  read(userKey: string, id: string): Promise<Buffer | undefined>;
  /** Nothing happens where it is gone. */
  delete(userKey: string, id: string): Promise<void>;
}

export interface LocalStoreParts {
  readonly shelf: Shelf;
  readonly limits: UploadLimits;
  readonly clock: Clock;
  /** What a user is called on the shelf. */
  readonly keyOf: (userId: string) => string;
  /** Told of what could not be deleted. */
  readonly onFailed: (cause: unknown) => void;
}

interface Listed {
  readonly facts: Upload;
  readonly expiry: Timer;
}

export class LocalUploadStore implements UploadStore {
  readonly #parts: LocalStoreParts;
  readonly #users = new Map<string, Map<string, Listed>>();
  #files = 0;
  #bytes = 0;

  constructor(parts: LocalStoreParts) {
    this.#parts = parts;
  }

  /** Takes over what is still in time, and deletes the rest. */
  async start(): Promise<void> {
    const { shelf, clock } = this.#parts;
    for (const { userKey, facts } of await shelf.found()) {
      if (facts.expiresAt > clock.now()) this.#list(userKey, facts);
      else await shelf.delete(userKey, facts.id);
    }
  }

  async put(userId: string, file: UploadedFile): Promise<Upload> {
    const { shelf, keyOf } = this.#parts;
    const userKey = keyOf(userId);
    const { facts } = file;
    const known = this.#users.get(userKey)?.get(facts.id);
    if (known !== undefined) return known.facts;
    this.#requireRoom(userKey, facts.bytes);
    this.#list(userKey, facts); // before it is written: others count it already
    try {
      await shelf.write(userKey, file);
    } catch (cause) {
      this.#unlist(userKey, facts.id);
      throw cause;
    }
    return facts;
  }

  async get(userId: string, id: string): Promise<UploadedFile | undefined> {
    const { shelf, keyOf } = this.#parts;
    const userKey = keyOf(userId);
    const listed = this.#users.get(userKey)?.get(id);
    const content = listed && (await shelf.read(userKey, id));
    return content && { facts: listed.facts, content };
  }

  async remove(userId: string, id: string): Promise<void> {
    await this.#forget(this.#parts.keyOf(userId), id);
  }

  async removeAll(userId: string): Promise<number> {
    const userKey = this.#parts.keyOf(userId);
    const ids = [...(this.#users.get(userKey)?.keys() ?? [])];
    for (const id of ids) await this.#forget(userKey, id);
    return ids.length;
  }

  get held() {
    return { files: this.#files, bytes: this.#bytes };
  }

  /** What is in memory goes with it; what is in a directory waits for the next process. */
  async close(): Promise<void> {
    for (const own of this.#users.values()) for (const { expiry } of own.values()) expiry.cancel();
    this.#users.clear();
  }

  #requireRoom(userKey: string, bytes: number): void {
    const { limits } = this.#parts;
    const own = [...(this.#users.get(userKey)?.values() ?? [])];
    const ownBytes = own.reduce((sum, { facts }) => sum + facts.bytes, 0);
    if (own.length >= limits.files || ownBytes + bytes > limits.bytes) throw tooManyUploads(limits);
    if (this.#bytes + bytes > limits.totalBytes) throw noRoom();
  }

  #list(userKey: string, facts: Upload): void {
    const { clock, onFailed } = this.#parts;
    const expiry = clock.after(facts.expiresAt - clock.now(), () => {
      this.#forget(userKey, facts.id).catch(onFailed);
    });
    const own = this.#users.get(userKey) ?? new Map<string, Listed>();
    this.#users.set(userKey, own.set(facts.id, { facts, expiry }));
    this.#files += 1;
    this.#bytes += facts.bytes;
  }

  async #forget(userKey: string, id: string): Promise<void> {
    if (this.#unlist(userKey, id)) await this.#parts.shelf.delete(userKey, id);
  }

  #unlist(userKey: string, id: string): boolean {
    const own = this.#users.get(userKey);
    const listed = own?.get(id);
    if (own === undefined || listed === undefined) return false;
    listed.expiry.cancel();
    own.delete(id);
    if (own.size === 0) this.#users.delete(userKey);
    this.#files -= 1;
    this.#bytes -= listed.facts.bytes;
    return true;
  }
}
