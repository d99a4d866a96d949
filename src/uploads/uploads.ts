/**
 * Who may send what, and ask about it: files come in here, are inspected, and are handed to the runs that name them. Where they
 * lie meanwhile is the store's part.
 */
import { hash, randomBytes } from 'node:crypto';
import type { Principal } from '../auth/port.ts';
import type { Upload } from '../protocol/frames.ts';
import type { Clock } from '../time/clock.ts';
import { inspect, type MediaLimits } from './media/inspect.ts';
import type { RunUploads, TakenUploads, UploadedFile, UploadReference, UploadStore } from './port.ts';
import { unknownUpload } from './refusals.ts';

export interface UploadsParts {
  readonly store: UploadStore;
  readonly clock: Clock;
  /** How long a file waits for its question, ms. */
  readonly ttlMs: number;
  readonly limits: MediaLimits;
  /** Whether the token of a principal is revoked, at this moment. */
  readonly isRevoked: (principal: Principal) => boolean;
  /** Told of each file that is kept. */
  readonly onKept: (upload: Upload) => void;
  /** Told of what could not be deleted: it lies there until its time. */
  readonly onFailed: (cause: unknown) => void;
}

export interface NewUpload {
  readonly content: Buffer;
  /** By `kindOf`. */
  readonly kind: Upload['mediaType'];
  /** The client's name for the request: the same one is the same file. */
  readonly key: string | undefined;
}

const ID_BYTES = 16;

export class Uploads implements RunUploads {
  readonly #parts: UploadsParts;
  /** By whose tokens what lies there was sent here, in the order in which it expires. */
  readonly #senders = new Map<string, { readonly principal: Principal; readonly expiresAt: number }>();

  constructor(parts: UploadsParts) {
    this.#parts = parts;
  }

  /** @throws RelayError of `inspect`, too_many_uploads, unavailable */
  async add(principal: Principal, { content: sent, kind, key }: NewUpload): Promise<Upload> {
    const { store, clock, ttlMs, limits, onKept } = this.#parts;
    const { content, ...facts } = await inspect(sent, kind, limits);
    const id = key === undefined ? randomBytes(ID_BYTES).toString('base64url') : idOf(principal, key);
    const expiresAt = clock.now() + ttlMs;
    const file = { content, facts: { id, ...facts, bytes: content.length, expiresAt } };
    const kept = await store.put(principal.userId, file);
    if (kept === file.facts) {
      this.#forgetSenders();
      this.#senders.set(id, { principal, expiresAt });
      onKept(kept);
    }
    return kept;
  }

  /** @throws RelayError unavailable */
  async remove(userId: string, id: string): Promise<void> {
    await this.#parts.store.remove(userId, id);
  }

  /** @throws RelayError unavailable */
  async removeAll(userId: string): Promise<void> {
    await this.#parts.store.removeAll(userId);
  }

  async take(userId: string, references: readonly UploadReference[]): Promise<TakenUploads> {
    const files = new Map<string, UploadedFile>();
    for (const { id, message, type } of references) {
      const file = files.get(id) ?? (await this.#parts.store.get(userId, id));
      const isDocument = file?.facts.mediaType === 'application/pdf';
      if (file === undefined || isDocument !== (type === 'document')) throw unknownUpload(message);
      files.set(id, file);
    }
    const ids = [...files.keys()];
    return { files, used: () => this.#delete(ids.map((id) => [userId, id] as const)) };
  }

  /** Deletes what was sent here by tokens that are revoked now; how many it were. */
  endRevoked(): number {
    this.#forgetSenders();
    const revoked = [...this.#senders].filter(([, { principal }]) => this.#parts.isRevoked(principal));
    this.#delete(revoked.map(([id, { principal }]) => [principal.userId, id] as const));
    return revoked.length;
  }

  get held(): UploadStore['held'] {
    return this.#parts.store.held;
  }

  async close(): Promise<void> {
    await this.#parts.store.close();
  }

  #delete(uploads: readonly (readonly [userId: string, id: string])[]): void {
    for (const [userId, id] of uploads) {
      this.#senders.delete(id);
      this.#parts.store.remove(userId, id).catch(this.#parts.onFailed);
    }
  }

  #forgetSenders(): void {
    const now = this.#parts.clock.now();
    for (const [id, { expiresAt }] of this.#senders) {
      if (expiresAt > now) return;
      this.#senders.delete(id);
    }
  }
}

/** Nobody else has it, whatever key they choose. */
function idOf({ userId }: Principal, key: string): string {
  return hash('sha256', `${userId} ${key}`, 'buffer').subarray(0, ID_BYTES).toString('base64url');
}
