/**
 * Files that users sent before they ask about them: where they lie until then. The core knows uploads only by this file.
 * What may be sent, and how it is read, is `inspect.ts`; who may send how much, `uploads.ts`.
 */
import type { Upload } from '../protocol/frames.ts';

/** A file with what is known of it. */
export interface UploadedFile {
  readonly facts: Upload;
  readonly content: Buffer;
}

/** By their ids. */
export type UploadedFiles = ReadonlyMap<string, UploadedFile>;

/** The uploads of a run, from its start to its ending. */
export interface HeldUploads {
  readonly files: UploadedFiles;
  /** The run has ended, or never began. `isUsed`: nobody will ask about them again, and they are deleted. */
  release(isUsed: boolean): void;
}

export interface RunUploads {
  /**
   * Takes hold of what a run's messages name: it does not expire meanwhile.
   * @throws RelayError unknown_upload naming the message; unavailable where nobody can say
   */
  hold(userId: string, references: readonly UploadReference[]): Promise<HeldUploads>;
}

/** Where a message names an upload. */
export interface UploadReference {
  readonly id: string;
  /** Index of the message. */
  readonly message: number;
  readonly type: 'image' | 'document';
}

export interface UploadLimits {
  /** Of one user: files, and bytes in all. */
  readonly files: number;
  readonly bytes: number;
  /** Of all users together, bytes. */
  readonly totalBytes: number;
}

/** Where uploads lie. What is past its time is as if it were not there, whether it is deleted yet or not. */
export interface UploadStore {
  /**
   * Keeps a file for `ttlMs`. One that the user has by that id stands, and its facts are the answer.
   * @throws RelayError too_many_uploads, unavailable
   */
  put(userId: string, file: UploadedFile, ttlMs: number): Promise<Upload>;
  /** @throws RelayError unavailable where nobody can say */
  get(userId: string, id: string): Promise<UploadedFile | undefined>;
  /** It is there for so much longer at least, ms. @throws RelayError unavailable */
  extend(userId: string, id: string, ttlMs: number): Promise<void>;
  /** Nothing happens where it is not there. @throws RelayError unavailable */
  remove(userId: string, id: string): Promise<void>;
  /** All of a user. @throws RelayError unavailable */
  removeAll(userId: string): Promise<void>;
  /** What lies on this machine, as far as it is known here: files and bytes. */
  readonly held: { readonly files: number; readonly bytes: number };
  close(): Promise<void>;
}
