/**
 * Files that users sent before they ask about them: where they lie until then, and who may ask. The core knows uploads only by
 * this file. What may be sent is `media/`; where it lies, the stores.
 */
import type { Upload } from '../protocol/frames.ts';

/** A file with what is known of it. */
export interface UploadedFile {
  readonly facts: Upload;
  readonly content: Buffer;
}

/** By their ids. */
export type UploadedFiles = ReadonlyMap<string, UploadedFile>;

/** Where a message names an upload. */
export interface UploadReference {
  readonly id: string;
  /** Index of the message. */
  readonly message: number;
  readonly type: 'image' | 'document';
}

/** What a run has of the uploads that it names: it goes on with them whatever becomes of those that lie there. */
export interface TakenUploads {
  readonly files: UploadedFiles;
  /** The run has ended, and nobody will ask about them again: they are deleted. Never throws. */
  used(): void;
}

export interface RunUploads {
  /** @throws RelayError unknown_upload naming the message; unavailable where nobody can say */
  take(userId: string, references: readonly UploadReference[]): Promise<TakenUploads>;
}

export interface UploadLimits {
  /** Of one user: files, and bytes in all. */
  readonly files: number;
  readonly bytes: number;
  /** Of all users together, bytes. */
  readonly totalBytes: number;
}

/** Where uploads lie. What is past `facts.expiresAt` is not found, whether it is deleted yet or not. */
export interface UploadStore {
  /**
   * Keeps a file. One that the user has by that id stands, and its facts are the answer.
   * @throws RelayError too_many_uploads, unavailable
   */
  put(userId: string, file: UploadedFile): Promise<Upload>;
  /** @throws RelayError unavailable where nobody can say */
  get(userId: string, id: string): Promise<UploadedFile | undefined>;
  /** Nothing happens where it is not there. @throws RelayError unavailable */
  remove(userId: string, id: string): Promise<void>;
  /** All of a user; how many it were. @throws RelayError unavailable */
  removeAll(userId: string): Promise<number>;
  /** What lies on this machine: files and bytes; in Redis, none. */
  readonly held: { readonly files: number; readonly bytes: number };
  close(): Promise<void>;
}
